/// Keeps the sound between two clocks at its target by telling a resampler how much faster to use it up. Pure: readings
/// and time in, a correction out.
///
/// A second-order loop behind a low-pass filter. It begins quick, to find the offset of the clocks in seconds, and gets
/// slower with every second it is undisturbed, because a loop passes the jitter of its readings on into the pitch. When
/// the error leaves what jitter explains, a clock has changed its speed, and the loop is quick again.
@frozen
public struct FillController: Hashable, Sendable {
  /// What to do with the reading.
  @frozen
  public enum Action: Hashable, Sendable {
    /// Use input up faster by so many parts per million.
    case steer(ppm: Double)
    /// Too far off to steer: drop so many frames, or, when negative, add as many.
    case resync(frames: Int)
  }

  private let rate: Double
  private var limiter: RatioLimiter
  /// Seconds since the loop began or was disturbed: what sets its bandwidth.
  private var age: Double
  private var last: HostTime?
  private var firstPole = 0.0
  private var secondPole = 0.0
  /// The error as the alarm sees it: averaged over about two seconds.
  private var slowError = 0.0
  /// The part of the correction that has been learnt: how far the clocks are apart.
  private var offset = 0.0

  /// In radians per second.
  private static var quickest: Double { @_noLocks get { 0.6 } }
  private static var slowest: Double { @_noLocks get { 0.02 } }
  /// The bandwidth after an alarm.
  private static var alarmed: Double { @_noLocks get { 0.2 } }
  /// Bandwidth times age.
  private static var ageing: Double { @_noLocks get { 1.5 } }
  /// An averaged error beyond this is no jitter, in seconds.
  private static var alarmError: Double { @_noLocks get { 0.000_45 } }
  /// An error beyond this share of the target and this many seconds is not steered away.
  private static var resyncShare: Double { @_noLocks get { 1.0 } }
  private static var resyncError: Double { @_noLocks get { 0.010 } }

  @_noLocks public init(rate: SampleRate = .codec, limiter: RatioLimiter = RatioLimiter()) {
    self.rate = Double(rate.hertz)
    self.limiter = limiter
    age = Self.ageing / Self.quickest
  }

  /// The correction now, and the part of it that is the clocks' own difference, in parts per million.
  public var ppm: Double { @_noLocks get { limiter.value } }
  public var offsetPPM: Double { @_noLocks get { offset * 1e6 } }

  /// Takes a reading of `fill` frames where there should be `target`.
  @_noLocks public mutating func update(fill: Double, target: Double, at now: HostTime) -> Action {
    let error = (fill - target) / rate
    let bound = max(Self.resyncError, Self.resyncShare * target / rate)
    guard error > -bound && error < bound else {
      rest()
      return .resync(frames: Int(fill - target))
    }
    guard let last else {
      self.last = now
      return .steer(ppm: limiter.value)
    }
    let passed = min(max(Double((now - last).nanoseconds) * 1e-9, 0), 0.5)
    self.last = now
    age += passed
    watch(error, passed)
    let omega = min(max(Self.ageing / age, Self.slowest), Self.quickest)
    let pass = passed / (passed + 0.12 / omega)
    firstPole += pass * (error - firstPole)
    secondPole += pass * (firstPole - secondPole)
    let bounded = limiter.limit * 1e-6
    offset = min(max(offset + omega * omega * secondPole * passed, -bounded), bounded)
    return .steer(ppm: limiter.move(to: (offset + 2 * omega * secondPole) * 1e6, seconds: passed))
  }

  /// Forgets the error and keeps what is known of the clocks: after a pause, a resync, another quantum.
  @_noLocks public mutating func rest() {
    last = nil
    firstPole = 0
    secondPole = 0
    slowError = 0
    age = min(age, Self.ageing / Self.alarmed)
  }

  @_noLocks private mutating func watch(_ error: Double, _ passed: Double) {
    slowError += passed / (passed + 2) * (error - slowError)
    if slowError > Self.alarmError || slowError < -Self.alarmError { age = min(age, Self.ageing / Self.alarmed) }
  }
}
