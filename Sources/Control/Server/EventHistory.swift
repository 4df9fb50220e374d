import Glibc

/// The newest events that each counted, for whoever looks back.
public struct EventHistory {
  public struct Entry {
    /// Nanoseconds since 1970.
    public var at: Int64
    public var topic: String
    public var data: JSON
  }

  public private(set) var entries: [Entry] = []

  static let limit = 512
  /// Longer ones are kept by their topic alone.
  static let longest = 4096

  mutating func add(_ topic: String, _ data: JSON) {
    var now = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &now)
    if entries.count >= Self.limit { entries.removeFirst(Self.limit / 4) }
    let kept = data.bytes.count <= Self.longest ? data : .null
    entries.append(Entry(at: Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec), topic: topic, data: kept))
  }
}
