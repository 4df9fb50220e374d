import AudioCore
import Glibc
import Mixer
import Testing

@Suite struct CompressorTests {
  static let ratios = [1, 1.5, 2, 4, 10, 20, Double.infinity]

  static func settings(
    threshold: Double = -24, ratio: Double = 4, knee: Double = 6, attack: Double = 1, release: Double = 100
  ) -> Compressor.Settings {
    var settings = Compressor.Settings()
    settings.threshold = threshold
    settings.ratio = ratio
    settings.knee = knee
    settings.attack = .microseconds(Int64(attack * 1000))
    settings.release = .microseconds(Int64(release * 1000))
    settings.range = 120
    return settings
  }

  @Test(arguments: [100, 997, 3150, 10_000.0]) func curveIsTheFormula(hertz: Double) {
    var worst = 0.0
    for detector in [LevelDetector.peak, .rms(window: .milliseconds(20))] {
      for level in stride(from: -60.0, through: 0, by: 7.5) {
        let tone = Sound.sine(hertz, decibels: level, seconds: 0.15, phase: 0.3)
        for ratio in Self.ratios {
          for knee in [0, 6, 24.0] {
            let output = tone.compressed(Self.settings(ratio: ratio, knee: knee, release: 50), detector: detector)
            let residue = ToneResidue(output.channels[0][4800...], hertz: hertz)
            let key = detector == .peak ? level : level - 3.0103
            let expected = level - reduction(at: key, threshold: -24, ratio: ratio, knee: knee)
            worst = max(worst, abs(decibels(residue.amplitude) - expected))
          }
        }
      }
    }
    report("\(hertz) Hz: curve within \(worst) dB")
    #expect(worst <= 0.1)
  }

  /// A constant's gain for each level, so densely that a bend would show.
  @Test(arguments: [3, 6, 24.0]) func kneeIsSmooth(knee: Double) {
    let levels = stride(from: -45.0, through: -3, by: 0.05)
    let gains = levels.map { level in
      let output = Sound([[Float](repeating: Float(amplitude(level)), count: 600)])
        .compressed(Self.settings(ratio: 4, knee: knee, attack: 0))
      return decibels(output.channels[0][599]) - level
    }
    let slopes = zip(gains.dropFirst(), gains).map { ($0 - $1) / 0.05 }
    let bends = zip(slopes.dropFirst(), slopes).map { abs($0 - $1) }
    report("knee \(knee): largest change of slope \(bends.max()!)")
    // The slope goes from 0 to 0.75 over the knee.
    #expect(bends.max()! < 0.75 * 0.05 / knee + 0.0075)
    #expect(abs(slopes.last! + 0.75) < 0.005)
  }

  /// Frames until 63.2 % of the way from one reduction to another is gone.
  static func time(_ output: ArraySlice<Float>, of input: Double, from: Double, to: Double) -> Int {
    let goal = from + (to - from) * (1 - exp(-1))
    return output.enumerated().first { frame, sample in
      let reduction = input - decibels(sample)
      return to > from ? reduction >= goal : reduction <= goal
    }!.offset + 1
  }

  @Test(arguments: [6, 12, 24.0]) func timesAreWhatTheySay(step: Double) {
    for attack in [0.1, 1, 10, 100, 500] {
      for release in [5, 50, 500, 5000.0] {
        let low = -28.0
        let settings = Self.settings(threshold: -40, ratio: 4, knee: 0, attack: attack, release: release)
        let hold = min(max(0.02, 8 * attack / 1000), 4)
        let rise = Sound.steps([(low, hold), (low + step, hold), (low, min(1.3 * release / 1000, 7))])
        let output = rise.compressed(settings).channels[0]
        let first = Int(hold * 48_000)
        let (before, after) = (0.75 * 12, 0.75 * (12 + step))
        let up = Self.time(output[first..<2 * first], of: low + step, from: before, to: after)
        #expect(abs(Double(up) - attack * 48) <= max(4.8 * attack, 1), "attack \(attack): \(Double(up) / 48) ms")
        let end = low + step - decibels(output[2 * first - 1])
        let down = Self.time(output[(2 * first)...], of: low, from: end, to: before)
        #expect(
          abs(Double(down) - release * 48) <= max(4.8 * release, 1), "release \(release): \(Double(down) / 48) ms")
        report("step \(step): attack \(attack) is \(Double(up) / 48) ms, release \(release) is \(Double(down) / 48) ms")
      }
    }
  }

  @Test func lowTonesStayClean() {
    let tone = Sound.sine(100, decibels: -8, seconds: 2)
    for detector in [LevelDetector.peak, .rms(window: .milliseconds(10))] {
      let output = tone.compressed(
        Self.settings(threshold: detector == .peak ? -24 : -27, ratio: 4, attack: 10), detector: detector)
      let residue = ToneResidue(output.channels[0][48_000...], hertz: 100)
      report("100 Hz, \(-8 - decibels(residue.amplitude)) dB reduced: THD+N \(residue.decibels) dB")
      #expect(abs(-8 - decibels(residue.amplitude) - 12) < 0.3)
      #expect(residue.decibels < -50)
    }
  }

  @Test func channelsShareTheirGain() {
    let loud = HardSound.drums.sound(rate: 48_000, seconds: 0.5)
    let same = Sound((0..<8).map { channel in loud.channels[0].map { $0 * (channel == 3 ? 1 : 0.25) } })
    let output = same.compressed(Self.settings())
    for frame in 0..<output.frames where abs(same.channels[0][frame]) > 1e-3 {
      let gains = (0..<8).map { output.channels[$0][frame] / same.channels[$0][frame] }
      for gain in gains { #expect(abs(gain / gains[3] - 1) < 2e-7) }
    }
    // It is the loudest that says what it is.
    #expect(output.prefix(channels: 1) != same.prefix(channels: 1).compressed(Self.settings()))
  }

  @Test func belowTheKneeNothingChanges() {
    let noise = HardSound.whiteBelow20k.sound(rate: 48_000, seconds: 0.3).prefix(channels: 6)
    let quiet = noise.scaled(Float(amplitude(-27.1)) / noise.samplePeak)
    #expect(quiet.compressed(Self.settings()) == quiet)
    #expect(quiet.compressed(Self.settings(), lookahead: .milliseconds(5)) == quiet.later(by: 240))
    // Also once a reduction has gone.
    let both = Sound([[Float](repeating: 1, count: 4800) + [Float](repeating: 0.01, count: 96_000)])
    #expect(both.compressed(Self.settings()).slice(96_000..<100_800) == both.slice(96_000..<100_800))
  }

  @Test(arguments: [LevelDetector.peak, .rms(window: .milliseconds(10))]) func blocksChangeNothing(
    detector: LevelDetector
  ) {
    var settings = Self.settings()
    settings.sideChainHighPass = 120
    settings.sideChainLowPass = 8000
    settings.autoMakeUp = true
    settings.makeUp = 3
    settings.mix = 0.7
    let drums = HardSound.drums.sound(rate: 48_000, seconds: 0.5).prefix(channels: 3)
    let whole = drums.compressed(settings, detector: detector, lookahead: .milliseconds(2), blocks: [drums.frames])
    for blocks in Sound.cuts {
      #expect(
        drums.compressed(settings, detector: detector, lookahead: .milliseconds(2), blocks: blocks) == whole,
        "\(blocks)")
    }
  }
}
