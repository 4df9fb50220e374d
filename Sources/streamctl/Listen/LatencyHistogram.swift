import AudioCore

/// Latencies in bins of 10 µs up to 200 ms either way: fixed memory, percentiles to a bin. What is heard beside a sink
/// arrives before the sink plays it, so a latency may be negative.
struct LatencyHistogram: Sendable {
  private var bins = [UInt32](repeating: 0, count: 40_000)
  private(set) var count = 0
  private(set) var least: HostDuration?
  private(set) var greatest: HostDuration?

  private static let width: Int64 = 10_000
  private static let lowest: Int64 = -200_000_000

  mutating func record(_ latency: HostDuration) {
    count += 1
    least = min(least ?? latency, latency)
    greatest = max(greatest ?? latency, latency)
    let index = Int(min(max((latency.nanoseconds - Self.lowest) / Self.width, 0), Int64(bins.count - 1)))
    bins[index] &+= 1
  }

  /// Upper edge of the bin that holds the share; nil before the first latency.
  func percentile(_ share: Double) -> HostDuration? {
    guard count > 0, let greatest else { return nil }
    let wanted = max(Int((Double(count) * share).rounded(.up)), 1)
    var seen = 0
    for (index, bin) in bins.enumerated() {
      seen += Int(bin)
      if seen >= wanted {
        // The last bin holds everything beyond.
        if index == bins.count - 1 { return greatest }
        return min(HostDuration(nanoseconds: Self.lowest + Int64(index + 1) * Self.width), greatest)
      }
    }
    return greatest
  }
}
