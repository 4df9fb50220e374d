/// Where clicks were born: each hop is listened to, in the order sound goes, and a click belongs to the first hop that has it.
struct ClickTrail {
  struct Hop {
    var name: String
    /// When each click was, in nanoseconds since 1970.
    var clicks: [Int64]
    /// From when to when the hop was heard.
    var heard: Range<Int64>
  }

  enum Verdict: Equatable {
    /// In what was captured already: an application, or the sound server.
    case before
    /// Between two of our hops.
    case inside(String, after: String)
    /// The hops before have not been heard then.
    case unknown
  }

  struct Click: Equatable {
    var time: Int64
    var hop: String
    var verdict: Verdict
  }

  /// Hops hear the same frame at times that differ by their delay.
  static let slack: Int64 = 40_000_000

  /// The first hop is what comes in; of the others each is fed by it.
  static func follow(_ hops: [Hop]) -> [Click] {
    guard let source = hops.first else { return [] }
    var found = source.clicks.map { Click(time: $0, hop: source.name, verdict: .before) }
    for hop in hops.dropFirst() {
      for time in hop.clicks where !source.clicks.contains(where: { abs($0 - time) <= slack }) {
        let wasHeard = source.heard.contains(time - slack) && source.heard.contains(time + slack)
        found.append(
          Click(time: time, hop: hop.name, verdict: wasHeard ? .inside(hop.name, after: source.name) : .unknown))
      }
    }
    return found.sorted { $0.time < $1.time }
  }
}
