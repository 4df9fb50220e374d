public import AudioCore

/// Decides when a finished packet leaves. Pure: time is an argument.
///
/// A graph cycle longer than a packet delivers several at once. Sent as they are ready they leave in bursts; spread, each
/// leaves a constant time after its sound was due at the sink, which follows the graph's clock and costs up to one cycle.
public struct Pacer: Sendable {
  public enum Mode: String, Sendable, Hashable, CaseIterable {
    /// Spread while a cycle is longer than two packets, else as they are ready.
    case auto
    case ready
    case even
  }

  public let mode: Mode
  private let frame: HostDuration
  /// From a packet's capture time to its departure.
  private var delay: HostDuration?
  /// The most that packets needed in this stretch of time and the one before.
  private var needs = (now: HostDuration.zero, before: HostDuration.zero)
  private var stretchEnd = HostTime(nanoseconds: 0)
  private var updated = HostTime(nanoseconds: 0)
  /// What the last packet was: spread, or sent as it was ready.
  public private(set) var isEven = false

  /// Longer than any pattern of packets and cycles takes to repeat, so that what is needed at times is not forgotten.
  private static let stretch = HostDuration.milliseconds(3000)
  /// A delay that is no longer needed shrinks by a hundredth of the time that passes.
  private static let shrink: Int64 = 100
  /// A packet that is off by more did not wait for a cycle but for a fault: it sets no example.
  private static let usual = HostDuration.milliseconds(-400)...HostDuration.milliseconds(400)

  public init(mode: Mode, frame: FrameCount) {
    self.mode = mode
    self.frame = frame.duration(at: .codec)
  }

  /// When a packet that is ready `now` should leave. `cycle` is the graph's.
  public mutating func release(capturedAt time: HostTime, cycle: FrameCount, now: HostTime) -> HostTime {
    let isLong = cycle.duration(at: .codec) > frame + frame
    isEven = mode == .even || (mode == .auto && isLong)
    guard isEven else {
      delay = nil
      return now
    }
    let needed = now - time
    guard Self.usual.contains(needed) else { return now }
    defer { updated = now }
    guard let delay else {
      // A packet that begins at the end of a cycle will need up to its own length more than this one.
      let first = needed + frame
      needs = (needed, first)
      stretchEnd = now + Self.stretch
      self.delay = first
      return time + first
    }
    if now > stretchEnd {
      needs = (needed, needs.now)
      stretchEnd = now + Self.stretch
    }
    needs.now = max(needs.now, needed)
    let wanted = max(needs.now, needs.before)
    let next = max(wanted, delay - (now - updated) / Self.shrink)
    self.delay = next
    return time + next
  }
}
