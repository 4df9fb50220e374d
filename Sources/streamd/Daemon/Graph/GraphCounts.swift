import AudioCore
import Control
import Mixer

/// What has gone wrong in the graph's cycles since the daemon began.
struct GraphCounts {
  var started = 0
  var xruns = 0
  /// Devices that stood still and were opened anew.
  var restarts = 0
  private(set) var lateWakes = 0
  private(set) var worstLateness = HostDuration.zero
  private(set) var overruns = 0
  private(set) var missedCycles = 0
  private(set) var missedFrames = 0
  private(set) var reliefs = 0

  /// Adds a record up; returns what is worth a line in the log.
  mutating func take(_ record: GraphRecord, name: (Int32) -> String) -> String? {
    switch record.kind {
    case .lateWake:
      lateWakes += 1
      worstLateness = max(worstLateness, HostDuration(nanoseconds: record.value))
    case .overrun: overruns += 1
    case .missed:
      missedCycles += 1
      missedFrames += Int(max(record.value, 0))
    case .relief:
      reliefs += 1
      let slowest = record.node > 0 ? "; \(name(record.node)) takes the most time" : ""
      switch Relief(rawValue: Int(record.value)) ?? .none {
      case .none: return "all of it is rendered again"
      case .meters: return "too much for its period: meters are left out\(slowest)"
      case .silence: return "too much for its period: silence in place of sound\(slowest)"
      }
    case .quantum: return "cycles of \(record.value) frames"
    }
    return nil
  }

  var json: JSON {
    [
      "xruns": JSON(xruns), "late_wakes": JSON(lateWakes), "worst_late_us": JSON(Int(worstLateness.nanoseconds / 1000)),
      "overruns": JSON(overruns), "missed_cycles": JSON(missedCycles), "missed_frames": JSON(missedFrames),
      "reliefs": JSON(reliefs), "restarts": JSON(restarts),
    ]
  }
}

/// The losses of a tenth of a second, told together: what the device says it lost and what render saw missing are the same
/// losses, and a node that took too long is their reason.
struct GraphBurst {
  private var missed = 0
  private var device = 0
  private var longest: Int64 = 0
  private var slowest: (node: Int, excess: Int64) = (0, 0)

  mutating func take(_ record: GraphRecord, rate: SampleRate) {
    switch record.kind {
    case .missed:
      missed += 1
      longest = max(longest, record.value * 1_000_000 / Int64(rate.hertz))
    case .overrun where record.node > 0 && record.value > slowest.excess:
      slowest = (Int(record.node), record.value)
    case .lateWake, .overrun, .relief, .quantum: break
    }
  }

  mutating func add(device times: UInt64) { device += Int(times) }

  var count: Int { max(missed, device) }

  /// `sink` is to blame where nobody is known to be.
  func event(sink: Int) -> JSON? {
    guard count > 0 else { return nil }
    return [
      "type": "underrun", "usec": JSON(Int(longest)), "node": JSON(slowest.node > 0 ? slowest.node : sink),
      "count": JSON(count),
    ]
  }
}
