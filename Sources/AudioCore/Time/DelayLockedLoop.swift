/// Smooths the wake-up times of a clock domain into a period estimate: a second-order loop, critically damped.
///
/// Time is an argument; the loop reads no clock.
@frozen
public struct DelayLockedLoop: Sendable {
  @usableFromInline var b: Double = 0
  @usableFromInline var c: Double = 0
  /// Host time that one nominal nanosecond of the domain takes: lengths of blocks may change, this does not.
  @usableFromInline var ratio: Double = 1
  @usableFromInline var expected: Double = 0
  @usableFromInline var running = false
  public let bandwidth: Double

  /// `bandwidth` in hertz: 1/8 follows a device in seconds and rejects scheduling noise.
  @_noLocks @inlinable public init(bandwidth: Double = 0.125) { self.bandwidth = bandwidth }

  /// Takes the time one block of `frames` arrived and returns the smoothed time of that arrival.
  /// Thread: render or the one worker that owns it.
  @_noLocks @inlinable
  public mutating func update(_ time: HostTime, frames: Int, rate: SampleRate) -> HostTime {
    let now = Double(time.nanoseconds)
    let nominal = Double(frames) * 1e9 / Double(rate.hertz)
    let omega = 2 * Double.pi * bandwidth * nominal / 1e9
    b = 1.4142135623730951 * omega
    c = omega * omega
    guard running else {
      running = true
      ratio = 1
      expected = now + nominal
      return time
    }
    let error = now - expected
    let smoothed = expected
    expected += b * error + ratio * nominal
    ratio += c * error / nominal
    return HostTime(nanoseconds: Int64(smoothed))
  }

  /// Forgets the past: after a discontinuity the old anchor says nothing.
  @_noLocks @inlinable public mutating func reset() { running = false }

  /// How far the domain's clock runs from the host's, in parts per million.
  @inlinable public var driftPPM: Double { running ? (1 / ratio - 1) * 1e6 : 0 }
}
