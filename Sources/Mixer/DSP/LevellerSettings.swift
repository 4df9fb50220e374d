public import AudioCore

/// What a leveller is asked for.
public struct LevellerSettings: Hashable, Sendable, BitwiseCopyable {
  public var isEnabled = true
  /// In LUFS.
  public var target = -18.0
  public var mostBoost = Decibels(12)
  public var mostCut = Decibels(20)
  /// Decibels a second, up and down.
  public var rise = 3.0
  public var fall = 10.0
  /// In LUFS: what is quieter is no programme.
  public var gate = -60.0
  /// What lies so much below the running level is a pause, in LU.
  public var pauseDepth = 21.0
  /// Of the loudness that counts, in seconds of sound: 1 to 10.
  public var window = 3.0
  /// Peaks are not lifted beyond; what is above full scale is for the limiter behind.
  public var peakCeiling = Decibels(6)
  /// Whether what the rest of the chain adds or takes is made up for.
  public var closesTheLoop = true

  @_noLocks public init() {}

  /// The nearest that makes sense.
  var limited: Self {
    @_noLocks get {
      var own = self
      own.target = Self.clamp(target, -60, 0, else: -18)
      own.mostBoost = Decibels(Self.clamp(mostBoost.value, 0, 60, else: 12))
      own.mostCut = Decibels(Self.clamp(mostCut.value, 0, 60, else: 20))
      own.rise = Self.clamp(rise, 0.1, 60, else: 3)
      own.fall = Self.clamp(fall, 0.1, 60, else: 10)
      own.gate = Self.clamp(gate, -90, -20, else: -60)
      own.pauseDepth = Self.clamp(pauseDepth, 3, 60, else: 21)
      own.window = Self.clamp(window, 1, 10, else: 3)
      own.peakCeiling = Decibels(Self.clamp(peakCeiling.value, -40, 60, else: 6))
      return own
    }
  }

  @_noLocks
  private static func clamp(_ value: Double, _ low: Double, _ high: Double, else other: Double) -> Double {
    guard value.isFinite else { return other }
    return value < low ? low : value > high ? high : value
  }
}
