/// Admits connections one by one as long as no circle comes of it. Pure.
struct CircleGuard {
  private var feeds: [Int: [Int]] = [:]

  /// `edges` have no circle.
  init(_ edges: some Sequence<(Int, Int)>) {
    for (from, to) in edges { feeds[from, default: []].append(to) }
  }

  /// False when sound from `to` reaches `from` already.
  mutating func admit(from: Int, to: Int) -> Bool {
    var open = [to]
    var seen: Set<Int> = []
    while let node = open.popLast() {
      if node == from { return false }
      guard seen.insert(node).inserted else { continue }
      open += feeds[node] ?? []
    }
    feeds[from, default: []].append(to)
    return true
  }
}
