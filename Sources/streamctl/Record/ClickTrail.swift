/// Where clicks were born: each hop is listened to, and a click belongs to the first hop on its way that has it.
struct ClickTrail {
  struct Hop {
    var name: String
    /// The hops it is made of.
    var fedBy: [String] = []
    /// When each click was, in nanoseconds since 1970.
    var clicks: [Int64]
    /// From when to when the hop was heard.
    var heard: Range<Int64>
    /// What did not come to the recorder: when, and why.
    var holes: [Hole] = []
  }

  struct Hole: Equatable {
    var times: ClosedRange<Int64>
    var cause: String
  }

  enum Verdict: Equatable {
    /// In what came to us already: an application, the sound server, or a client.
    case before
    /// Between two of our hops.
    case inside(String, after: String)
    /// The edge of a hole in what was recorded.
    case hole(String)
    /// The hops before have not been heard then.
    case unknown
  }

  struct Click: Equatable {
    var time: Int64
    var hop: String
    var verdict: Verdict
  }

  /// Hops hear the same frame at times that differ by their delay.
  static let slack: Int64 = 60_000_000
  /// A click is found that near to where sound breaks off.
  static let edge: Int64 = 3_000_000

  static func follow(_ hops: [Hop]) -> [Click] {
    let known = Dictionary(hops.map { ($0.name, $0) }) { first, _ in first }
    var found: [Click] = []
    for hop in hops {
      let sources = hop.fedBy.compactMap { known[$0] }
      let earlier = ancestors(of: hop, known)
      for time in hop.clicks {
        let near = max(time - edge, 0)...(time + edge)
        if let hole = hop.holes.first(where: { $0.times.overlaps(near) }) {
          found.append(Click(time: time, hop: hop.name, verdict: .hole(hole.cause)))
        } else if hop.fedBy.isEmpty {
          found.append(Click(time: time, hop: hop.name, verdict: .before))
        } else if !earlier.contains(where: { $0.clicks.contains { abs($0 - time) <= slack } }) {
          let wereHeard =
            !sources.isEmpty
            && sources.allSatisfy { $0.heard.contains(time - slack) && $0.heard.contains(time + slack) }
          let names = sources.map(\.name).joined(separator: ", ")
          found.append(
            Click(time: time, hop: hop.name, verdict: wereHeard ? .inside(hop.name, after: names) : .unknown))
        }
      }
    }
    return found.sorted { $0.time < $1.time }
  }

  /// All that a hop is made of, near or far.
  private static func ancestors(of hop: Hop, _ known: [String: Hop]) -> [Hop] {
    var names: Set<String> = []
    var open = hop.fedBy
    while let name = open.popLast() {
      if names.insert(name).inserted { open += known[name]?.fedBy ?? [] }
    }
    return names.sorted().compactMap { known[$0] }
  }
}
