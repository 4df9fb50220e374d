/// What a resampler is good enough for.
public struct ResamplerQuality: Hashable, Sendable {
  /// How far images and aliases lie below the signal.
  let attenuation: Decibels
  /// Upper edge of what passes unchanged, as a share of the lower of the two rates.
  let passBand: Double
  /// The same in hertz, where that is more than the share and the lower rate leaves room for it.
  let passHertz: Double
  /// Nothing beyond half the lower rate passes. Otherwise only what would be mirrored into the pass band is gone: a filter
  /// of half the length, and what is mirrored lies where nobody hears it.
  let isStrict: Bool

  /// Speech and other microphones: half a millisecond of latency.
  public static let voice = Self(attenuation: Decibels(110), passBand: 0.42, passHertz: 0, isStrict: false)
  /// Everything a listener compares with the original: flat to 20 kHz.
  public static let main = Self(attenuation: Decibels(132), passBand: 0.42, passHertz: 20_000, isStrict: false)
  /// The same, and silent from half the lower rate on.
  public static let bandLimited = Self(attenuation: Decibels(132), passBand: 0.42, passHertz: 20_000, isStrict: true)
  /// A straight line from one frame to the next: nearly no work and no latency, dull near the top, and all is mirrored.
  public static let linear = Self(attenuation: Decibels(20), passBand: 0, passHertz: 0, isStrict: false)

  /// Up to where everything passes, and from where on nothing does, in hertz.
  func edges(lower: Double) -> (pass: Double, stop: Double) {
    var pass = passBand * lower
    if passHertz > pass, passHertz < 0.46 * lower { pass = passHertz }
    return (pass, isStrict ? lower / 2 : lower - pass)
  }
}
