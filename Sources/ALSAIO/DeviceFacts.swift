import AudioCore
import Synchronization

/// What the device thread tells about itself: read by control, kept while devices come and go.
struct DeviceFacts: ~Copyable {
  let cycles = Atomic<UInt64>(0)
  let xruns = Atomic<UInt64>(0)
  let quantum = Atomic<Int>(0)
  let rate = Atomic<Int>(0)
  /// Real-time priority; 0 where the system allows none, negative while unknown.
  let priority = Atomic<Int>(-1)
  /// The device has played or recorded something since it was opened.
  let hasMoved = Atomic<Bool>(false)
  /// The device has a clock of its own.
  let hasClock = Atomic<Bool>(false)
  /// Since when the device has run without a break, when it moved last, and by how many frames between.
  let ranFrom = Atomic<Int64>(0)
  let ranUntil = Atomic<Int64>(0)
  let ran = Atomic<Int64>(0)

  /// Nil for the first second: a reading is as good as the time it is spread over.
  var clockPPM: Double? {
    let passed = ranUntil.load(ordering: .relaxed) - ranFrom.load(ordering: .relaxed)
    let rate = self.rate.load(ordering: .relaxed)
    guard hasClock.load(ordering: .relaxed), passed > 1_000_000_000, rate > 0 else { return nil }
    return (Double(ran.load(ordering: .relaxed)) * 1e9 / Double(rate) / Double(passed) - 1) * 1e6
  }

  /// Such as `rr:10`, or `other` where the system does not allow it.
  var scheduling: String {
    switch priority.load(ordering: .relaxed) {
    case ..<0: "unknown"
    case 0: "other"
    case let value: "rr:\(value)"
    }
  }
}
