public import AudioCore

/// The coefficients of a Linkwitz-Riley crossover of the fourth order: two sections for each side. Low and high add up to an
/// all pass: flat, with the phase of one section at the same frequency. Thread: control.
public struct Crossover: Hashable, Sendable {
  public var low: BiquadCoefficients
  public var high: BiquadCoefficients
  /// What their sum is, for bands that the crossover leaves alone.
  public var sum: BiquadCoefficients

  public init(frequency: Double, rate: SampleRate) {
    let q = 0.5.squareRoot()
    low = FilterShape(.lowPass, frequency: frequency, q: q).coefficients(at: rate)
    high = FilterShape(.highPass, frequency: frequency, q: q).coefficients(at: rate)
    sum = FilterShape(.allPass, frequency: frequency, q: q).coefficients(at: rate)
  }
}
