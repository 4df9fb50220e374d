import AudioCore
import CRenderGuard
import Mixer
import Testing

/// Bit patterns that no sound has.
let wildBits: [UInt32] = [
  Float.nan.bitPattern, Float.signalingNaN.bitPattern, Float.infinity.bitPattern, (-Float.infinity).bitPattern,
  Float.greatestFiniteMagnitude.bitPattern, Float.leastNonzeroMagnitude.bitPattern, 0x8000_0000, 0x7fff_ffff,
]

@Suite struct LimiterRecoveryTests {
  /// A second of tone with a few broken blocks in it: everything finite, and the tone back within 100 ms.
  @Test func brokenSamplesAreForgotten() {
    let tone = Sound.sine(997, decibels: -6, channels: 2, seconds: 1)
    for bits in wildBits {
      var input = tone
      for frame in 10_000..<10_300 { input.channels[frame % 2][frame] = Float(bitPattern: bits) }
      let output = input.limited(blocks: [64])
      #expect(output.channels.allSatisfy { $0.allSatisfy { $0.isFinite } })
      #expect(output.slice(15_100..<48_000) == tone.later(by: 88).slice(15_100..<48_000), "\(bits)")
    }
  }

  @Test func anyBitsAndSettings() {
    var chance = Chance(99)
    for round in 0..<60 {
      let layout = ChannelLayout(channels: [1, 2, 6, 8][round % 4])!
      var limiter = TruePeakLimiter(
        rate: SampleRate(hertz: [8000, 44_100, 48_000, 192_000][round / 4 % 4]), layout: layout,
        lookahead: round % 2 == 0 ? .standard : .short, link: [.all, .pairs, .none][round % 3])
      var sound = Sound(
        (0..<layout.count).map { _ in
          (0..<4000).map { _ in
            chance.bits() % 16 == 0
              ? Float(bitPattern: UInt32(truncatingIfNeeded: chance.bits())) : Float(chance.normal())
          }
        })
      var settings = TruePeakLimiter.Settings()
      sound.process(blocks: [1, 300, 77, 512]) { planes, _, count in
        settings.ceiling = Double(bitPattern: chance.bits())
        settings.margin = chance.even() * 5
        settings.hold = HostDuration(nanoseconds: Int64(bitPattern: chance.bits()))
        settings.release = HostDuration(nanoseconds: Int64(bitPattern: chance.bits()))
        settings.slowRelease = .milliseconds(Int64(chance.bits() % 1000))
        limiter.apply(settings)
        limiter.process(planes, frames: count)
      }
      #expect(sound.channels.allSatisfy { $0.allSatisfy { $0.isFinite && $0.magnitude <= 1.000001 } }, "round \(round)")
      // Sound after that: as if nothing had been, once reset.
      limiter.reset()
      limiter.apply(TruePeakLimiter.Settings())
      let tone = Sound((0..<layout.count).map { _ in Sound.sine(440, decibels: -6, seconds: 0.1).channels[0] })
      #expect(tone.processed { limiter.process($0, frames: $1) } == tone.later(by: limiter.latency.value))
    }
  }

  @Test(.enabled(if: render_guard_available() != 0)) func nothingIsAllocated() {
    var limiter = TruePeakLimiter(rate: .codec, layout: .surround71, link: .pairs)
    var sound = HardSound.drums.sound(rate: 48_000, seconds: 1)
    render_guard_count_apart(1)
    var settings = TruePeakLimiter.Settings()
    sound.process(blocks: [240]) { planes, place, count in
      streamd_render_guard_enter()
      settings.ceiling = place % 480 == 0 ? -3 : -1
      limiter.apply(settings)
      limiter.process(planes, frames: count)
      _ = limiter.takeLowestGain()
      streamd_render_guard_exit()
    }
    let hits = (0..<Int32(4)).map { render_guard_apart_hits_of($0) }
    render_guard_count_apart(0)
    #expect(hits == [0, 0, 0, 0])
  }
}
