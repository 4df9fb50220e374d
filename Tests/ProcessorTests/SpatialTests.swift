import AudioCore
import Glibc
import Testing

@testable import Mixer

/// The model of a head, measured as a real one is.
@Suite struct SpatialTests {
  private func spectrum(_ response: [Float], _ frequency: Double, rate: Double) -> (level: Double, phase: Double) {
    var (real, imaginary) = (0.0, 0.0)
    for (tap, sample) in response.enumerated() {
      let turn = -2 * Double.pi * frequency * Double(tap) / rate
      real += Double(sample) * cos(turn)
      imaginary += Double(sample) * sin(turn)
    }
    return (20 * log10(hypot(real, imaginary)), atan2(imaginary, real))
  }

  /// By how many milliseconds the second is later, where both are most alike.
  private func lateness(_ first: [Float], _ second: [Float], rate: Double) -> Double {
    var best = (lag: 0.0, likeness: 0.0)
    for lag in stride(from: -0.9, through: 0.9, by: 0.005) {
      let frames = lag * rate / 1000
      var sum = 0.0
      for (a, x) in first.enumerated() where abs(x) > 1e-3 {
        for (b, y) in second.enumerated() where abs(y) > 1e-3 {
          let place = Double.pi * (Double(b) - Double(a) - frames)
          sum += Double(x) * Double(y) * (abs(place) < 1e-9 ? 1 : sin(place) / place)
        }
      }
      if sum > best.likeness { best = (lag, sum) }
    }
    return best.lag
  }

  @Test(arguments: [44_100, 48_000, 96_000]) func frontIsHeardAsFromTheFront(rate: Int) {
    let model = HeadModel(rate: SampleRate(hertz: rate))
    let centre = model.responses(azimuth: 0)
    #expect(centre.left == centre.right)
    for frequency in [50.0, 1000, 4000] {
      #expect(abs(spectrum(centre.left, frequency, rate: Double(rate)).level + 3) < 1)
    }
    let left = model.responses(azimuth: -30)
    let right = model.responses(azimuth: 30)
    #expect(left.left == right.right && left.right == right.left)
    let late = lateness(left.left, left.right, rate: Double(rate))
    #expect(late > 0.2 && late < 0.3, "\(late) ms")
    for frequency in [100.0, 500, 1000] {
      let (near, far) = (
        spectrum(left.left, frequency, rate: Double(rate)), spectrum(left.right, frequency, rate: Double(rate))
      )
      let turn = (near.phase - far.phase) / 2 / .pi
      let phaseLate = (turn - turn.rounded()) / frequency * 1000
      #expect(phaseLate > 0.2 && phaseLate < 0.3, "\(frequency): \(phaseLate) ms")
    }
    let (near, far) = (spectrum(left.left, 4000, rate: Double(rate)), spectrum(left.right, 4000, rate: Double(rate)))
    #expect(near.level - far.level > 3 && near.level - far.level < 8, "\(near.level - far.level) dB")
  }

  /// The side is later and softer in the far ear than the front is; what is behind is duller than what is in front.
  @Test func placesDiffer() {
    let model = HeadModel(rate: .codec)
    let (front, side, back) = (
      model.responses(azimuth: 30), model.responses(azimuth: 90), model.responses(azimuth: 150)
    )
    #expect(abs(lateness(side.right, side.left, rate: 48_000) - 0.656) < 0.02)
    #expect(abs(lateness(back.right, back.left, rate: 48_000) - 0.261) < 0.02)
    let separation = spectrum(side.right, 4000, rate: 48_000).level - spectrum(side.left, 4000, rate: 48_000).level
    #expect(separation > 10 && separation < 20)
    #expect(spectrum(front.right, 8000, rate: 48_000).level < spectrum(front.right, 12_000, rate: 48_000).level - 6)
    #expect(spectrum(back.right, 12_000, rate: 48_000).level < spectrum(front.right, 12_000, rate: 48_000).level - 4)
    // All of it is in the response: nothing is cut off at either end.
    for response in [front.right, front.left, side.right, side.left, back.left] {
      #expect(abs(response[0]) < 0.001 && response.suffix(16).allSatisfy { abs($0) < 1e-5 })
    }
  }

  @Test func surroundsOfSixAreTheirOwn() {
    #expect(HeadModel.azimuth(.rearLeft, of: .surround51) == -110)
    #expect(HeadModel.azimuth(.rearLeft, of: .surround71) == -150)
    #expect(HeadModel.azimuth(.lowFrequency, of: .surround71) == nil)
  }

  @Test func lowFrequenciesPass() {
    for (frequency, level, within) in [(30.0, -10.0, 0.2), (120, -13, 0.2), (1200, -50, 0.5)] {
      var sound = TestSound(sine: frequency, level: 0, seconds: 1, channels: 1)
      var low = LowPass(frequency: 120, gain: 0.31622777, rate: 48_000)
      sound.render { low.process($0[0], frames: $1) }
      let power = sound.channels[0].suffix(24_000).reduce(0.0) { $0 + Double($1) * Double($1) } / 24_000
      #expect(abs(10 * log10(2 * power) - level) < within, "\(frequency): \(10 * log10(2 * power))")
    }
  }
}
