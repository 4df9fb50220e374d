import AudioCore
import Glibc
import Testing

/// What the main path promises, at the rates people have: THD+N −120 dB, ripple 0.01 dB up to 20 kHz, images and aliases
/// 120 dB down. And that two well-known resamplers make the same of the same.
@Suite struct ResamplerQualityTests {
  struct Pair: CustomTestStringConvertible {
    let from: Int
    let to: Int
    var testDescription: String { "\(from) to \(to)" }
    var lower: Int { min(from, to) }
    /// To here everything passes: 20 kHz where the rate has room for it.
    var pass: Double { lower < 44_000 ? 0.42 * Double(lower) : 20_000 }

    init(_ from: Int, _ to: Int) { (self.from, self.to) = (from, to) }
  }

  static let pairs = [
    Pair(44_100, 48_000), Pair(48_000, 44_100), Pair(96_000, 48_000), Pair(48_000, 96_000), Pair(32_000, 48_000),
    Pair(48_000, 32_000), Pair(192_000, 48_000), Pair(48_000, 192_000),
  ]
  static let both: [WholeResampler] = [.ours, .strict]

  /// What comes of a tone, without its ends.
  static func middle(_ resampler: WholeResampler, hertz: Double, _ pair: Pair, seconds: Double) -> ArraySlice<Float> {
    let tone = ResamplerTests.tone(hertz, rate: pair.from, frames: Int(seconds * Double(pair.from)))
    let output = resampler.run(tone, from: pair.from, to: pair.to)
    let edge = max(pair.to / 60, 600)
    return output[edge..<output.count - edge]
  }

  @Test(arguments: pairs, both) func distortionAndNoise(pair: Pair, resampler: WholeResampler) {
    for hertz in [997, 10_000, pair.pass] {
      let fit = SineFit(
        Self.middle(resampler, hertz: hertz, pair, seconds: 0.3), cyclesPerFrame: hertz / Double(pair.to))
      #expect(fit.residue <= -120, "\(hertz) Hz: \(fit.residue) dB")
    }
  }

  @Test(arguments: pairs, both) func ripple(pair: Pair, resampler: WholeResampler) {
    for step in 1...24 {
      let hertz = pair.pass * Double(step) / 24
      let fit = SineFit(
        Self.middle(resampler, hertz: hertz, pair, seconds: 0.1), cyclesPerFrame: hertz / Double(pair.to))
      let gain = 20 * log10(fit.amplitude / 0.5)
      #expect(abs(gain) <= 0.01, "\(hertz) Hz: \(gain) dB")
    }
  }

  /// What would be mirrored into the pass band is gone; of the strict one all from half the lower rate on.
  @Test(arguments: pairs.filter { $0.from > $0.to }, both) func aliases(pair: Pair, resampler: WholeResampler) {
    let edge = resampler == .strict ? Double(pair.lower) / 2 + 1 : Double(pair.lower) - pair.pass
    let top = Double(pair.from) / 2
    guard edge < top else { return }
    for step in 0...12 {
      let hertz = edge + (top - 50 - edge) * Double(step) / 12
      let output = Self.middle(resampler, hertz: hertz, pair, seconds: 0.1)
      let power = output.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(output.count)
      #expect(10 * log10(power / 0.125 + 1e-30) <= -120, "\(hertz) Hz: \(10 * log10(power / 0.125 + 1e-30)) dB")
    }
  }

  /// Images of the highest tones of the source, which lie above its half.
  @Test(arguments: pairs.filter { $0.from < $0.to }) func images(pair: Pair) {
    for hertz in [pair.pass, 0.485 * Double(pair.from)] {
      // Of what lies in the transition some passes; the strict one has no image of it either.
      let output = Self.middle(.strict, hertz: hertz, pair, seconds: 0.3)
      let fit = SineFit(output, cyclesPerFrame: hertz / Double(pair.to))
      let rest = fit.residue + 20 * log10(fit.amplitude / 0.5)
      #expect(rest <= -120, "\(hertz) Hz: \(rest) dB")
    }
  }

  /// Many tones at once, from 50 Hz to the edge of the pass band, as others resample them: SNR of 120 dB.
  @Test(arguments: pairs, [WholeResampler.soxr, .libsamplerate]) func agreesWith(pair: Pair, other: WholeResampler) {
    let frames = pair.from / 5
    let top = min(pair.pass, 0.45 * Double(pair.lower))
    let tones = (0..<37).map { (50 * pow(top / 50, Double($0) / 36), Double($0 * $0)) }
    let input = (0..<frames).map { frame in
      Float(tones.reduce(0.0) { $0 + 0.02 * sin(2 * .pi * $1.0 * Double(frame) / Double(pair.from) + $1.1) })
    }
    let mine = WholeResampler.ours.run(input, from: pair.from, to: pair.to)
    let theirs = other.run(input, from: pair.from, to: pair.to)
    let edge = pair.to / 20
    var (error, power) = (0.0, 0.0)
    for index in edge..<min(mine.count, theirs.count) - edge {
      error += pow(Double(mine[index]) - Double(theirs[index]), 2)
      power += pow(Double(theirs[index]), 2)
    }
    let ratio = 10 * log10(error / power)
    #expect(ratio <= -120, "\(ratio) dB")
  }

  /// A correction that is taken back, and one in the middle: neither is a step of the place.
  @Test func leavingTheNominalRatioIsSmooth() {
    var rig = ResamplerRig(.main, from: 44_100, to: 48_000)
    let input = ResamplerTests.tone(997, rate: 44_100, frames: 40_000)
    var output = rig.run(Array(input[..<20_000]), chunk: 441)
    rig.resampler.correct(ppm: 0.001, over: 1)
    output += rig.run(Array(input[20_000...]), chunk: 441)
    #expect(SineFit(output[1000...], cyclesPerFrame: 997.0 / 48_000).residue < -115)
  }

  /// Between two frames a straight line.
  @Test func linearIsALine() {
    var rig = ResamplerRig(.linear, from: 44_100, to: 48_000)
    let ramp = (0..<2000).map { Float($0 % 100) / 100 }
    let output = rig.run(ramp)
    for index in 10..<1900 {
      let place = Double(index) * 44_100 / 48_000
      let (below, part) = (Int(place), Float(place - place.rounded(.down)))
      #expect(abs(output[index] - (ramp[below] + (ramp[below + 1] - ramp[below]) * part)) < 1e-5)
    }
    rig.resampler.correct(ppm: 100, over: 1)
    let more = rig.run([Float](repeating: 0.25, count: 1000))
    #expect(more.dropFirst(20).allSatisfy { abs($0 - 0.25) < 1e-6 })
  }
}
