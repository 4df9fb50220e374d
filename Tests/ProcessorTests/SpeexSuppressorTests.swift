import AudioCore
import CRenderGuard
import Glibc
import Testing

@testable import Mixer

extension Sound {
  func speexed(
    _ settings: NoiseSuppressor.Settings = .init(), blocks: [Int] = [256],
    change: (Int, inout NoiseSuppressor.Settings) -> Void = { _, _ in }
  ) throws -> Sound {
    let format = StreamFormat(
      rate: SampleRate(hertz: rate), layout: try #require(ChannelLayout(channels: channels.count)))
    guard var suppressor = SpeexSuppressor(format: format, settings: settings) else { throw OutOfMemory() }
    var result = self
    result.process(blocks: blocks) { planes, place, count in
      var now = settings
      change(place, &now)
      streamd_render_guard_enter()
      suppressor.aim(now)
      suppressor.process(planes, frames: count)
      streamd_render_guard_exit()
    }
    return result
  }

  private struct OutOfMemory: Error {}
}

/// speexdsp in the native suppressor's place: what holds of the node holds with it too.
@Suite struct SpeexSuppressorTests {
  private static let latency = 960

  @Test(arguments: [DenoiseTests.Noise.white, .pink], [UInt64(1), 2]) func noiseFalls(
    noise: DenoiseTests.Noise, voice: UInt64
  ) throws {
    let speech = Voice.sound(seed: voice, seconds: DenoiseTests.seconds)
    let sound = noise.sound(-34)
    let first = try (speech + sound).speexed()
    let second = try (speech + sound.scaled(-1)).speexed()
    let heard = 96_000..<speech.frames
    let half = Sound([zip(first.channels[0], second.channels[0]).map { ($0 + $1) / 2 }]).slice(heard)
    let rest = Sound([zip(first.channels[0], second.channels[0]).map { ($0 - $1) / 2 }]).slice(heard)
    let lost = speech.later(by: Self.latency).slice(heard).meanLevel - half.meanLevel
    let gain = sound.later(by: Self.latency).slice(heard).meanLevel - rest.meanLevel - lost
    report("speex, \(noise), voice \(voice): SNR +\(gain) dB, speech −\(lost) dB")
    #expect(gain >= 5)
    #expect(lost <= 3)
  }

  /// In time with what it is made of, to the frame, at rates whose frames have awkward lengths too.
  @Test(arguments: [8000, 16_000, 44_100, 48_000, 96_000]) func delayIsWhatItSays(rate: Int) throws {
    let latency = 2 * (rate / 100)
    var chance = Chance(5)
    let hum = Sound(rate: rate, seconds: 3) { _, time in
      0.3 * sin(2 * .pi * 437 * time) * (sin(2 * .pi * 2.1 * time) > 0 ? 1 : 0) + 1e-3 * chance.even()
    }
    let heard = try hum.speexed(blocks: [100]).channels[0]
    func product(_ lag: Int) -> Double {
      var sum = 0.0
      for frame in rate..<3 * rate - 200 { sum += Double(hum.channels[0][frame - lag] * heard[frame]) }
      return sum
    }
    let best = product(latency)
    // A quarter of the tone's period either way is worse.
    for lag in [1, 3, rate / 1748] where lag > 0 {
      #expect(best > product(latency - lag) && best > product(latency + lag), "\(lag)")
    }
    var off = NoiseSuppressor.Settings()
    off.isEnabled = false
    #expect(try hum.speexed(off, blocks: [100]) == hum.later(by: latency))
    (off.isEnabled, off.strength) = (true, Decibels(0))
    #expect(try hum.speexed(off, blocks: [100]) == hum.later(by: latency))
  }

  @Test func strengthIsTheMost() throws {
    let noise = DenoiseTests.Noise.white.sound(-40)
    var last = 0.0
    for strength in [6.0, 12, 20] {
      var settings = NoiseSuppressor.Settings()
      settings.strength = Decibels(strength)
      let fall = noise.meanLevel - (try noise.speexed(settings).slice(240_000..<480_000).meanLevel)
      report("speex, strength \(strength): −\(fall) dB")
      #expect(fall > 0.6 * strength && fall < strength + 1 && fall > last)
      last = fall
    }
  }

  @Test func channelsAreDealtWithByThemselves() throws {
    let speech = Voice.sound(seed: 1, seconds: 2)
    let noise = HardSound.white.sound(rate: 48_000, seconds: 2).prefix(channels: 1).levelled(-40)
    let both = try Sound([speech.channels[0], noise.channels[0]]).speexed()
    #expect(try both.prefix(channels: 1) == speech.speexed())
    #expect(try Sound([both.channels[1]]) == noise.speexed())
    #expect(try Sound(channels: 2, seconds: 1) { _, _ in 0 }.speexed().samplePeak == 0)
  }

  @Test func blocksDoNotMatter() throws {
    let sound = Voice.sound(seed: 2, seconds: 1) + HardSound.pink.sound(rate: 48_000, seconds: 1).prefix(channels: 1)
    let whole = try sound.speexed(blocks: [sound.frames])
    for blocks in Sound.cuts { #expect(try sound.speexed(blocks: blocks) == whole) }
  }

  /// Nothing but its life allocates or locks, whatever changes; and nothing clicks.
  @Test func changesDoNotClickAndGarbagePasses() throws {
    let tone = Sound.sine(100, decibels: -20, seconds: 2)
    render_guard_count_apart(1)
    let heard = try tone.speexed(blocks: [64]) { place, settings in
      if (30_000..<50_000).contains(place) { settings.isEnabled = false }
      if place > 70_000 { settings.strength = Decibels(6) }
    }
    #expect((0..<Int32(4)).map { render_guard_apart_hits_of($0) } == [0, 0, 0, 0])
    render_guard_count_apart(0)
    heard.slice(24_000..<96_000).expectNoClick("speex")
    var broken = Voice.sound(seed: 3, seconds: 2)
    for frame in 20_000..<20_100 { broken.channels[0][frame] = [.nan, .infinity, 3e38, -9e5][frame % 4] }
    let after = try broken.speexed()
    #expect(after.channels[0].allSatisfy { $0.isFinite && $0.magnitude <= 9e5 })
    #expect(after.slice(70_000..<96_000).meanLevel > broken.slice(70_000..<95_000).meanLevel - 3)
    #expect(after.slice(24_000..<96_000).samplePeak < 2)
  }
}
