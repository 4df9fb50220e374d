import AudioCore
import Glibc
import Mixer
import Testing

@Suite struct ExpanderTests {
  static func settings(ratio: Double = 3, knee: Double = 6) -> Expander.Settings {
    var settings = Expander.Settings()
    settings.threshold = -30
    settings.ratio = ratio
    settings.knee = knee
    settings.attack = .milliseconds(5)
    settings.release = .milliseconds(100)
    settings.range = 70
    return settings
  }

  @Test(arguments: [100, 997, 10_000.0]) func curveIsTheFormula(hertz: Double) {
    var worst = 0.0
    for level in stride(from: -50.0, through: 0, by: 2.5) {
      for (ratio, knee) in [(1.5, 0.0), (2, 6), (3, 12), (4, 24)] {
        let output = Sound.sine(hertz, decibels: level, seconds: 1.2, phase: 0.3)
          .expanded(Self.settings(ratio: ratio, knee: knee))
        let residue = ToneResidue(output.channels[0][48_000...], hertz: hertz)
        let under = -30 - level
        let bend = under > -knee / 2 ? (under + knee / 2) * (under + knee / 2) / (2 * max(knee, 1e-9)) : 0
        let reduction = min((ratio - 1) * (under > knee / 2 ? under : bend), 70)
        worst = max(worst, abs(decibels(residue.amplitude) - level + reduction))
      }
    }
    report("\(hertz) Hz: curve within \(worst) dB")
    #expect(worst <= 0.1)
  }

  @Test func rangeEndsIt() {
    var settings = Self.settings()
    settings.range = 12
    let output = Sound.steps([(-80, 2)]).expanded(settings)
    #expect(abs(decibels(output.channels[0].last!) + 92) < 0.05)
  }

  @Test(arguments: [6, 12, 24.0]) func timesAreWhatTheySay(step: Double) {
    for (attack, release) in [(0.5, 20.0), (5, 100), (50, 500)] {
      var settings = Self.settings(ratio: 2, knee: 0)
      settings.attack = .microseconds(Int64(attack * 1000))
      settings.release = .microseconds(Int64(release * 1000))
      let (high, low) = (-36.0, -36.0 - step)
      let input = Sound.steps([(low, 5), (high, 1), (low, 4)])
      let output = input.expanded(settings).channels[0]
      let opening =
        output[240_000...].firstIndex {
          decibels($0) - high >= -(6 + step * exp(-1))
        }! - 240_000 + 1
      let closing =
        output[288_000...].firstIndex {
          decibels($0) - low <= -(6 + step * (1 - exp(-1)))
        }! - 288_000 + 1
      report(
        "step \(step): attack \(attack) is \(Double(opening) / 48), release \(release) is \(Double(closing) / 48) ms")
      #expect(abs(Double(opening) - 48 * attack) <= max(4.8 * attack, 1))
      #expect(abs(Double(closing) - 48 * release) <= max(4.8 * release, 1))
    }
  }

  @Test func aboveTheKneeNothingChanges() {
    let tone = Sound.sine(440, decibels: -26, channels: 2, seconds: 1)
    let output = tone.expanded(Self.settings(), lookahead: .milliseconds(3))
    #expect(output.slice(24_000..<48_000) == tone.later(by: 144).slice(24_000..<48_000))
  }

  @Test func blocksChangeNothing() {
    let drums = HardSound.drums.sound(rate: 48_000, seconds: 0.5).prefix(channels: 2)
    let whole = drums.expanded(Self.settings(), blocks: [drums.frames])
    for blocks in Sound.cuts { #expect(drums.expanded(Self.settings(), blocks: blocks) == whole) }
  }
}
