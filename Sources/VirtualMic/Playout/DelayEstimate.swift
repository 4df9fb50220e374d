import AudioCore

/// How late packets come compared with the quickest ones, and the delay that covers nearly all of them.
///
/// The base is the least transit of the last one to two windows: it follows the drift of the sender's clock. The spread
/// above it goes into a histogram that forgets; its high quantile is the delay. It rises at once and falls slowly, so
/// that one quiet second does not cost the next burst.
struct DelayEstimate: Hashable, Sendable {
  private(set) var target: HostDuration
  /// RFC 3550's smoothed difference of neighbours.
  private(set) var jitter: Double = 0

  private let floor: HostDuration
  private let ceiling: HostDuration
  private let lateShare: Double
  private let binWidth: Int64
  private var bins = [Float](repeating: 0, count: 4 * 64)
  private var weight: Float = 0
  private var currentLeast: Int64?
  private var previousLeast: Int64?
  private var windowStart: HostTime?
  private var lastTransit: Int64?
  private var lastUpdate: HostTime?

  private static let window = HostDuration.seconds(10)
  /// About five hundred packets of memory.
  private static let keep: Float = 0.998
  /// The delay falls by at most this share of the time that passes: too slow to hear.
  private static let fall: Int64 = 100

  init(floor: HostDuration, ceiling: HostDuration, lateShare: Double) {
    self.floor = floor
    self.ceiling = max(ceiling, floor)
    self.lateShare = lateShare
    target = floor
    binWidth = max(self.ceiling.nanoseconds / Int64(bins.count) + 1, 1)
  }

  /// Least transit: arrival less media time, in nanoseconds of an arbitrary zero.
  var base: Int64? {
    guard let currentLeast else { return previousLeast }
    return min(currentLeast, previousLeast ?? currentLeast)
  }

  /// Takes the transit of a packet. `counts` is false for packets that say nothing about jitter, as after a stall.
  mutating func update(transit: Int64, at now: HostTime, counts: Bool) {
    if let start = windowStart, now - start < Self.window {
      currentLeast = min(currentLeast ?? transit, transit)
    } else {
      previousLeast = currentLeast ?? previousLeast
      currentLeast = transit
      windowStart = now
    }
    let elapsed = lastUpdate.map { max((now - $0).nanoseconds, 0) } ?? 0
    lastUpdate = now
    defer { lastTransit = transit }
    guard counts, let base else { return }
    if let lastTransit { jitter += (Double(abs(transit &- lastTransit)) - jitter) / 16 }
    record(spread: transit - base)
    let wanted = quantile()
    target = max(wanted, min(target, target - HostDuration(nanoseconds: elapsed / Self.fall)))
    target = min(max(target, floor), ceiling)
  }

  private mutating func record(spread: Int64) {
    for index in bins.indices { bins[index] *= Self.keep }
    weight *= Self.keep
    bins[min(Int(max(spread, 0) / binWidth), bins.count - 1)] += 1
    weight += 1
  }

  /// Upper edge of the bin in which the wanted share is reached.
  private func quantile() -> HostDuration {
    var above = Float(lateShare) * weight
    for index in bins.indices.reversed() {
      above -= bins[index]
      if above < 0 { return HostDuration(nanoseconds: Int64(index + 1) * binWidth) }
    }
    return floor
  }
}
