public import AudioCore

/// How long something took, each time it was done: how often it took no longer than each of some bounds.
public struct TimeTally: Sendable, Equatable {
  /// From a packet that is hardly worth a look to one that nobody waits for.
  public static let bounds: [HostDuration] = [50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000].map {
    HostDuration(nanoseconds: $0 * 1000)
  }

  /// Of each bound those above the one before; the last are those above all.
  private var counts = [UInt64](repeating: 0, count: bounds.count + 1)
  public private(set) var total = HostDuration.zero

  public init() {}

  public mutating func add(_ time: HostDuration) {
    let time = max(time, .zero)
    counts[Self.bounds.firstIndex { time <= $0 } ?? Self.bounds.count] += 1
    total = total + time
  }

  public var count: UInt64 { counts.reduce(0, +) }

  /// How often it took no longer than each bound.
  public var cumulative: [(bound: HostDuration, count: UInt64)] {
    var sum: UInt64 = 0
    return Self.bounds.indices.map { index in
      sum += counts[index]
      return (Self.bounds[index], sum)
    }
  }
}
