public import AudioCore
import Glibc

/// Gives each ear of headphones some of what the other hears, as a room does: low tones of one side reach the other ear a
/// quarter of a millisecond later and a little weaker. What both sides share passes bit for bit.
///
/// Both outputs get their part of the difference through a low pass of the first order: left + a·LP(right − left) and the
/// other way round. The first two channels of a layout are fed; others pass. No latency.
/// Thread: render, but for its life.
public struct Crossfeed: ~Copyable, @unchecked Sendable {
  public struct Settings: Hashable, Sendable, BitwiseCopyable {
    public var isEnabled = true
    /// Where the low pass has fallen by 3 dB, 200 to 3000 Hz.
    public var frequency = 700.0
    /// How far the far ear lies below the near one at the lowest frequencies: 1 to 15 dB.
    public var separation = Decibels(4.5)

    @_noLocks public init() {}
  }

  private let channels: Int
  private let rate: Double
  /// What the low pass keeps from frame to frame, and where that is going.
  private var keep = 0.0
  private var keepGoal = 0.0
  private var keepStep = 0.0
  private var gliding = 0
  private let glide: Int
  private var state = 0.0
  private var share: Smoother

  /// Thread: control.
  public init(format: StreamFormat, settings: Settings = Settings()) {
    channels = format.layout.count
    rate = Double(format.rate.hertz)
    let length = format.rate.frames(in: .milliseconds(20))
    glide = max(length.value, 1)
    share = Smoother(0, length: length)
    aim(settings)
    share.snap(Self.share(settings))
    (keep, gliding) = (keepGoal, 0)
  }

  public var latency: FrameCount { 0 }

  /// Share and frequency move in 20 ms.
  @_noLocks
  public mutating func aim(_ settings: Settings) {
    let frequency = Self.clamp(settings.frequency, 200, 3000, else: 700)
    let wanted = renderExp2(-9.064720283654388 * frequency / rate)
    if wanted != keepGoal {
      keepGoal = wanted
      keepStep = (wanted - keep) / Double(glide)
      gliding = glide
    }
    share.aim(Self.share(settings))
  }

  @_noLocks
  public mutating func reset() { state = 0 }

  @_noLocks
  private static func share(_ settings: Settings) -> Float {
    guard settings.isEnabled else { return 0 }
    let far = renderExp2(-clamp(settings.separation.value, 1, 15, else: 4.5) / 6.0205999133)
    return Float(far / (1 + far))
  }

  @_noLocks
  private static func clamp(_ value: Double, _ low: Double, _ high: Double, else other: Double) -> Double {
    guard value.isFinite else { return other }
    return value < low ? low : value > high ? high : value
  }

  @_noLocks
  public mutating func process(_ planes: UnsafePointer<UnsafeMutablePointer<Float>>, frames: Int) {
    for channel in 0..<channels { Sanitised.clean(planes[channel], frames: frames) }
    guard channels > 1 else { return }
    if share.isSettled && share.value == 0 {
      state = 0
      (keep, gliding) = (keepGoal, 0)
      return
    }
    let (left, right) = (planes[0], planes[1])
    var low = state
    let limit = Double(Float.greatestFiniteMagnitude)
    for frame in 0..<frames {
      if gliding > 0 {
        gliding &-= 1
        keep = gliding == 0 ? keepGoal : keep + keepStep
      }
      let difference = Double(right[frame]) - Double(left[frame])
      low = difference + (low - difference) * keep
      let part = low * Double(share.next())
      let (a, b) = (Double(left[frame]) + part, Double(right[frame]) - part)
      left[frame] = Float(a > limit ? limit : a < -limit ? -limit : a)
      right[frame] = Float(b > limit ? limit : b < -limit ? -limit : b)
    }
    state = low
  }
}
