import AudioCore
import Glibc

/// What reaches the ears from loudspeakers around a head: a rigid sphere with something of an outer ear.
///
/// How much later the far ear hears is Woodworth's formula for the sphere, the same at all frequencies. How much softer is
/// Brown and Duda's shelf: what comes from the ear's own side is louder above some 600 Hz, what comes from the other side is
/// softer. The outer ear cuts a notch around 8 kHz into what comes from in front and dulls what comes from behind. Phases
/// are the least ones of what both ears have in common.
/// Thread: control.
struct HeadModel {
  let rate: SampleRate
  /// Taps of a response.
  let length: Int
  private let size: Int

  /// Metres, and metres a second.
  private static let radius = 0.0875
  private static let speed = 343.0
  /// Before what is heard first, at 48 kHz: what a delay by a part of a frame rings ahead.
  private static let ahead = 10.0
  /// A loudspeaker in front is in each ear as loud as in a fold to two channels.
  private static let level = 0.70710678

  init(rate: SampleRate) {
    self.rate = rate
    var length = 64
    while Double(length) < 256 * Double(rate.hertz) / 48_000 - 1 { length *= 2 }
    self.length = length
    size = 4 * length
  }

  /// Degrees to the right; nil for what has no direction.
  static func azimuth(_ label: ChannelLabel, of layout: ChannelLayout) -> Double? {
    let hasBoth = layout.index(of: .sideLeft) != nil || layout.index(of: .sideRight) != nil
    switch label {
    case .frontLeft: return -30
    case .frontRight: return 30
    case .mono, .frontCenter: return 0
    case .sideLeft: return -90
    case .sideRight: return 90
    // Of two surrounds they are the surrounds of BS.775.
    case .rearLeft: return hasBoth ? -150 : -110
    case .rearRight: return hasBoth ? 150 : 110
    case .lowFrequency: return nil
    }
  }

  /// What a loudspeaker at so many degrees to the right sends to the left and the right ear.
  func responses(azimuth: Double) -> (left: [Float], right: [Float]) {
    let side = azimuth * .pi / 180
    let lateral = asin(min(abs(sin(side)), 1))
    let unit = Self.radius / Self.speed * Double(rate.hertz)
    let scale = Double(rate.hertz) / 48_000
    // The ear nearest to a loudspeaker at the very side hears first of all.
    let start = Self.ahead * scale + unit
    let near = (towards: sin(lateral), late: start - unit * sin(lateral))
    let far = (towards: -sin(lateral), late: start + unit * lateral)
    let (left, right) = azimuth < 0 ? (near, far) : (far, near)
    let levels = [left, right].map { ear in
      (0...size / 2).map { magnitude(bin: $0, towards: ear.towards, azimuth: side) }
    }
    let phases = leastPhases(zip(levels[0], levels[1]).map { 0.5 * (log($0) + log($1)) })
    return (
      response(levels[0], phases, late: left.late, fade: scale),
      response(levels[1], phases, late: right.late, fade: scale)
    )
  }

  /// `towards` is the cosine of the angle between the source and the ear's axis.
  private func magnitude(bin: Int, towards: Double, azimuth: Double) -> Double {
    let frequency = Double(bin) * Double(rate.hertz) / Double(size)
    let place = 2 * .pi * frequency * Self.radius / Self.speed / 2
    let shelf = (1.1 + 0.9 * towards) * place
    let shadow = ((1 + shelf * shelf) / (1 + place * place)).squareRoot()
    let front = (1 + cos(azimuth)) / 2
    let octaves = log2(max(frequency, 1) / 8000)
    let notch = -9 * front * exp(-16 * octaves * octaves)
    let dull = -6 * (1 - front) * Self.rise(frequency, 2500, 9000)
    let top = Double(rate.hertz) / 2
    let edge = 1 - 0.999 * Self.rise(frequency, min(20_000, 0.84 * top), top)
    return Self.level * shadow * pow(10, (notch + dull) / 20) * edge
  }

  /// From 0 at one frequency to 1 at another.
  private static func rise(_ frequency: Double, _ from: Double, _ to: Double) -> Double {
    let share = min(max((frequency - from) / (to - from), 0), 1)
    return 0.5 - 0.5 * cos(.pi * share)
  }

  /// The least phases that go with logarithms of magnitudes: the cepstrum folded into positive time.
  private func leastPhases(_ logarithms: [Double]) -> [Double] {
    let transform = RealTransform(size: size)
    var cepstrum = [Float](repeating: 0, count: size)
    transform.inverse(
      logarithms.map { Float($0) }, [Float](repeating: 0, count: transform.bins), into: &cepstrum)
    for place in 1..<size / 2 {
      cepstrum[place] *= 2
      cepstrum[size - place] = 0
    }
    var real = [Float](repeating: 0, count: transform.bins)
    var imaginary = real
    transform.forward(cepstrum, &real, &imaginary)
    return imaginary.map { Double($0) }
  }

  private func response(_ levels: [Double], _ phases: [Double], late: Double, fade: Double) -> [Float] {
    let transform = RealTransform(size: size)
    let angles = phases.enumerated().map { bin, phase in
      phase - 2 * .pi * Double(bin) * late / Double(size)
    }
    let real = zip(levels, angles).map { Float($0 * cos($1)) }
    let imaginary = zip(levels, angles).map { Float($0 * sin($1)) }
    var sound = [Float](repeating: 0, count: size)
    transform.inverse(real, imaginary, into: &sound)
    let rise = Int(6 * fade)
    return (0..<length).map { tap in
      let first = tap < rise ? 0.5 - 0.5 * cos(.pi * (Double(tap) + 0.5) / Double(rise)) : 1
      let left = Double(length - tap) / Double(length / 4)
      return sound[tap] * Float(first * (left < 1 ? 0.5 - 0.5 * cos(.pi * left) : 1))
    }
  }
}
