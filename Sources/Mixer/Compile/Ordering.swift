/// The order in which nodes are rendered: each after all that feed it, and where that leaves a choice the lower place
/// first, so that the same graph always gives the same plan. Pure.
struct Ordering {
  /// Places in order, or the circle that forbids one.
  enum Result: Equatable {
    case order([Int])
    case cycle([Int])
  }

  static func order(_ count: Int, _ edges: [(from: Int, to: Int)]) -> Result {
    var waiting = [Int](repeating: 0, count: count)
    var starts = [Int](repeating: 0, count: count + 1)
    for edge in edges {
      waiting[edge.to] += 1
      starts[edge.from + 1] += 1
    }
    for place in 0..<count { starts[place + 1] += starts[place] }
    var ends = [Int](repeating: 0, count: edges.count)
    var next = starts
    for edge in edges {
      ends[next[edge.from]] = edge.to
      next[edge.from] += 1
    }
    var ready = MinHeap()
    for place in 0..<count where waiting[place] == 0 { ready.push(place) }
    var order: [Int] = []
    order.reserveCapacity(count)
    while let place = ready.pop() {
      order.append(place)
      for index in starts[place]..<starts[place + 1] {
        waiting[ends[index]] -= 1
        if waiting[ends[index]] == 0 { ready.push(ends[index]) }
      }
    }
    return order.count == count ? .order(order) : .cycle(circle(waiting, edges))
  }

  /// Among the places that wait for others for ever each has one that feeds it and waits too: going upstream must meet
  /// itself.
  private static func circle(_ waiting: [Int], _ edges: [(from: Int, to: Int)]) -> [Int] {
    var feeder = [Int?](repeating: nil, count: waiting.count)
    for edge in edges where waiting[edge.from] > 0 && waiting[edge.to] > 0 {
      feeder[edge.to] = min(feeder[edge.to] ?? edge.from, edge.from)
    }
    guard var place = feeder.indices.first(where: { feeder[$0] != nil }) else { return [] }
    var seen: [Int: Int] = [:]
    var path: [Int] = []
    while seen[place] == nil {
      seen[place] = path.count
      path.append(place)
      guard let upstream = feeder[place] else { return [] }
      place = upstream
    }
    var circle = Array(path[(seen[place] ?? 0)...].reversed())
    // Told from its lowest place on.
    if let lowest = circle.indices.min(by: { circle[$0] < circle[$1] }) {
      circle = Array(circle[lowest...] + circle[..<lowest])
    }
    return circle
  }
}

/// Numbers, the least of them first.
private struct MinHeap {
  private var items: [Int] = []

  mutating func push(_ item: Int) {
    items.append(item)
    var place = items.count - 1
    while place > 0, items[place] < items[(place - 1) / 2] {
      items.swapAt(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  mutating func pop() -> Int? {
    guard let least = items.first else { return nil }
    let last = items.removeLast()
    guard !items.isEmpty else { return least }
    items[0] = last
    var place = 0
    while true {
      var smallest = place
      for child in [2 * place + 1, 2 * place + 2] where child < items.count && items[child] < items[smallest] {
        smallest = child
      }
      guard smallest != place else { return least }
      items.swapAt(place, smallest)
      place = smallest
    }
  }
}
