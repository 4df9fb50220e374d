public import AudioCore
import Glibc

/// Loudness units relative to full scale: what a power is for people.
public enum Loudness {
  /// Thread: control.
  public static func units(ofPower power: Double) -> Double { -0.691 + 10 * log10(power) }
  /// Thread: control.
  public static func power(ofUnits units: Double) -> Double { pow(10, (units + 0.691) / 10) }
}

/// What a loudness meter knows, as powers and amplitudes: it is made in render code and read elsewhere. Properties in
/// decibels are nil while there is nothing to say: no window is full, or nothing was above the gate.
public struct LoudnessReading: Hashable, Sendable, BitwiseCopyable {
  /// Sound that was heard.
  public var seconds = 0.0
  /// Of the last 400 ms, or of what there is.
  public var momentaryPower = 0.0
  /// Of the last three seconds, or of what there is.
  public var shortTermPower = 0.0
  /// The highest of full windows.
  public var highestMomentaryPower = 0.0
  public var highestShortTermPower = 0.0
  public var integratedPower = 0.0
  public var rangeLowPower = 0.0
  public var rangeHighPower = 0.0
  /// Of all channels, since the beginning.
  public var truePeakAmplitude: Float = 0
  public var samplePeakAmplitude: Float = 0

  @_noLocks public init() {}

  public var momentary: Double? { Self.units(momentaryPower) }
  public var shortTerm: Double? { Self.units(shortTermPower) }
  public var highestMomentary: Double? { Self.units(highestMomentaryPower) }
  public var highestShortTerm: Double? { Self.units(highestShortTermPower) }
  public var integrated: Double? { Self.units(integratedPower) }
  /// In LU.
  public var range: Double? { rangeLowPower > 0 ? 10 * log10(rangeHighPower / rangeLowPower) : nil }
  public var truePeak: Decibels { Decibels(amplitude: Double(truePeakAmplitude)) }
  public var samplePeak: Decibels { Decibels(amplitude: Double(samplePeakAmplitude)) }
  /// Whether a window is filled with sound that was heard, rather than a beginning.
  public var momentaryIsFull: Bool { seconds >= 0.4 }
  public var shortTermIsFull: Bool { seconds >= 3 }

  private static func units(_ power: Double) -> Double? { power > 0 ? Loudness.units(ofPower: power) : nil }
}
