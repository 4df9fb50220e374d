import AudioCore
import Glibc
import Testing

@testable import Mixer

@Suite struct SoftCeilingTests {
  private func fed(_ sound: TestSound, _ settings: SoftCeiling.Settings = .init(), block: Int = 512) -> TestSound {
    var sound = sound
    var kernel = SoftCeiling(format: StreamFormat(rate: .codec, layout: .stereo), settings: settings)
    sound.render(block: block) { kernel.process($0, frames: $1) }
    return sound
  }

  /// A soft programme with one loud burst every two seconds.
  private func programme(_ level: Double, burst: Double) -> TestSound {
    var sound = TestSound(noise: level, seconds: 12, channels: 2)
    let amplitude = Float(pow(10, burst / 20))
    for start in stride(from: 5 * 48_000, to: sound.frames - 24_000, by: 96_000) {
      for frame in 0..<4800 {
        for channel in 0..<2 {
          sound.channels[channel][start + frame] = amplitude * Float(sin(2 * .pi * 440 * Double(frame) / 48_000))
        }
      }
    }
    return sound
  }

  private func peak(_ sound: TestSound, seconds: Range<Double>) -> Double {
    let frames = Int(seconds.lowerBound * 48_000)..<Int(seconds.upperBound * 48_000)
    return 20 * log10(Double(sound.channels[0][frames].reduce(0) { max($0, abs($1)) }))
  }

  @Test func peaksFollowTheLoudness() {
    // Both programmes are 14 dB apart; the soft one's bursts are softened at a level the loud one does not mind.
    let (soft, loud) = (programme(-34, burst: -8), programme(-20, burst: -8))
    let (before, after) = (peak(soft, seconds: 5.04..<5.09), peak(fed(soft), seconds: 5.04..<5.09))
    // Weighted noise of two channels is 5.6 dB above its RMS: peaks begin at -14.4 dBFS and are 6.4 dB above that.
    #expect(abs(before - after - 5.6) < 1, "\(before - after)")
    #expect(abs(peak(loud, seconds: 5.04..<5.09) - peak(fed(loud), seconds: 5.04..<5.09)) < 1.5)
    // The programme between them is what it was.
    let (kept, heard) = (soft.channels[0], fed(soft).channels[0])
    let between = 4 * 48_000..<Int(4.9 * 48_000)
    let isKept = between.allSatisfy { abs(heard[$0 + 72] - kept[$0]) < 1e-6 }
    #expect(isKept)
  }

  @Test func beginningsHaveTheCeiling() {
    let heard = fed(TestSound(sine: 440, level: 0, seconds: 0.3, channels: 2))
    // Six decibels above the ceiling, at 8:1 with the knee.
    #expect(abs(peak(heard, seconds: 0.1..<0.3) + 5.25) < 0.5, "\(peak(heard, seconds: 0.1..<0.3))")
  }

  @Test func switchedOffItIsBitExact() {
    var settings = SoftCeiling.Settings()
    settings.isEnabled = false
    let sound = programme(-30, burst: -2)
    let heard = fed(sound, settings)
    let delay = SoftCeiling(format: StreamFormat(rate: .codec, layout: .stereo)).latency.value
    #expect(delay == 72)
    #expect(Array(heard.channels[1][delay...]) == Array(sound.channels[1][..<(sound.frames - delay)]))
  }

  @Test func blocksChangeNothing() {
    let sound = programme(-30, burst: -3)
    let whole = fed(sound, block: 1024)
    for block in [1, 61, 480, 4096] { #expect(fed(sound, block: block).channels == whole.channels) }
  }

  @Test func recoversFromGarbage() {
    var sound = programme(-30, burst: -6)
    let clean = fed(sound)
    for frame in 1000..<1100 {
      sound.channels[0][frame] = [.nan, .infinity, -.infinity, .greatestFiniteMagnitude][frame % 4]
    }
    let heard = fed(sound)
    let isFinite = heard.channels.joined().allSatisfy(\.isFinite)
    #expect(isFinite)
    let end = 11 * 48_000..<sound.frames
    let hasRecovered = end.allSatisfy { abs(heard.channels[1][$0] - clean.channels[1][$0]) < 0.02 }
    #expect(hasRecovered)
  }
}
