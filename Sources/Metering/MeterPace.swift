public import AudioCore

/// When a reader's window is due. Pure: time is an argument.
public struct MeterPace: Hashable, Sendable {
  public let interval: HostDuration
  private var next: HostTime

  public init(rate: Double, from start: HostTime) {
    interval = HostDuration(nanoseconds: Int64(1e9 / rate))
    next = start + interval
  }

  /// Whether to send now, asked every `tick`: at the tick that is nearest.
  public func isDue(at now: HostTime, tick: HostDuration) -> Bool { now + tick / 2 >= next }

  /// It was sent. The pace stays what it is unless so much was missed that there is nothing to catch up with.
  public mutating func sent(at now: HostTime) {
    next = next + interval
    if next + interval < now { next = now + interval }
  }
}
