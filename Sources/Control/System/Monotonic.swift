internal import Glibc

/// A point of CLOCK_MONOTONIC, the clock of the loop's timers.
struct Monotonic: Comparable, Sendable {
  let nanoseconds: Int64

  static var now: Monotonic {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Monotonic(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
  }

  static func < (left: Monotonic, right: Monotonic) -> Bool { left.nanoseconds < right.nanoseconds }

  /// Ends at the far future instead of overflowing.
  static func + (left: Monotonic, right: Duration) -> Monotonic {
    let (sum, overflow) = left.nanoseconds.addingReportingOverflow(right.nanoseconds)
    return Monotonic(nanoseconds: overflow ? .max : sum)
  }
}

extension Duration {
  /// Saturated to 292 years.
  var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    guard !overflow else { return seconds < 0 ? .min : .max }
    let (sum, beyond) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
    return beyond ? (seconds < 0 ? .min : .max) : sum
  }
}
