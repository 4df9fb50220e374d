import AudioCore
import Glibc

/// What a stream was measured to play.
public struct LevelBlock: Sendable, Equatable {
  /// The greatest magnitude of all channels.
  public var peak: Double
  /// The mean square of the channel that has most.
  public var meanSquare: Double
  public var frames: Int
  public var rate: Int

  public init(peak: Double, meanSquare: Double, frames: Int, rate: Int) {
    self.peak = peak
    self.meanSquare = meanSquare
    self.frames = frames
    self.rate = rate
  }

  var seconds: Double { frames > 0 && rate > 0 ? Double(frames) / Double(rate) : 0 }
}

/// Peak and mean of a stream over time. Each block counts for as long as it is, so that times are the same with
/// blocks of any length.
struct LevelEnvelopes: Sendable {
  /// What silence is taken for.
  static let floor = -90.0
  /// Longer blocks are taken in steps, for what follows them sees the way and not the end.
  static let longestStep = 0.002

  private(set) var peak = floor
  private(set) var meanSquare = 0.0
  /// The reduction, smoothed.
  private(set) var cut = 0.0

  /// The mean in dB.
  var mean: Double { meanSquare > 1e-9 ? 10 * log10(meanSquare) : Self.floor }

  /// - Parameter gain: what the level is multiplied by before it counts, in dB.
  mutating func hear(peak newPeak: Double, meanSquare newMean: Double, seconds: Double, _ settings: LevelSettings) {
    let wanted = newPeak > 0 ? max(20 * log10(newPeak), Self.floor) : Self.floor
    var left = min(seconds, 10)
    while left > 0 {
      let step = min(left, Self.longestStep)
      left -= step
      let time = wanted > peak ? settings.peakAttack : settings.peakRelease
      peak += (wanted - peak) * Self.share(step, time)
      meanSquare += (newMean - meanSquare) * Self.share(step, settings.meanWindow)
      let raw = reduction(settings)
      cut += (raw - cut) * Self.share(step, settings.smoothing)
    }
    if cut < 1e-3 { cut = 0 }
  }

  /// The reduction that the envelopes ask for, unsmoothed.
  func reduction(_ settings: LevelSettings) -> Double {
    let over = max(peak - settings.peakThreshold.value, mean - settings.meanTarget.value)
    return min(max(over, 0), settings.mostCut.value)
  }

  /// The stream's own volume was changed by so much: what is known of it is worth as much more.
  mutating func shift(by decibels: Double) {
    peak = max(peak + decibels, Self.floor)
    meanSquare *= pow(10, decibels / 10)
  }

  mutating func reset() { self = LevelEnvelopes() }

  /// How far one goes towards where one wants to be.
  private static func share(_ seconds: Double, _ time: HostDuration) -> Double {
    let constant = Double(time.nanoseconds) / 1e9
    return constant <= 0 ? 1 : -expm1(-seconds / constant)
  }
}
