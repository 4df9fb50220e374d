import AudioCore
import CRenderGuard
import Glibc
import Testing

@testable import Mixer

extension Sound {
  func denoised(
    _ settings: NoiseSuppressor.Settings = .init(), blocks: [Int] = [256],
    change: (Int, inout NoiseSuppressor.Settings) -> Void = { _, _ in }
  ) -> Sound {
    var suppressor = NoiseSuppressor(
      format: StreamFormat(rate: SampleRate(hertz: rate), layout: ChannelLayout(channels: channels.count)!),
      settings: settings)
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

  /// Mean SNR in decibels over pieces of 10 ms with sound in them; none counts as more than 35 dB.
  func segmentalSNR(of original: Sound, from first: Int) -> Double {
    let (clean, heard) = (original.channels[0], channels[0])
    var (sum, count) = (0.0, 0.0)
    for start in stride(from: first, to: frames - 480, by: 480) {
      let level = Sound.meanLevel(clean[start..<start + 480])
      guard level > -50 else { continue }
      let error = Sound.meanLevel((start..<start + 480).map { heard[$0] - clean[$0] }[...])
      sum += max(-10, min(35, level - error))
      count += 1
    }
    return sum / count
  }
}

@Suite struct DenoiseTests {
  static let latency = 960
  static let seconds = 10.0

  enum Noise: String, CaseIterable {
    case white, pink, babble

    func sound(_ level: Double) -> Sound {
      switch self {
      case .white: HardSound.white.sound(rate: 48_000, seconds: seconds).prefix(channels: 1).levelled(level)
      case .pink: HardSound.pink.sound(rate: 48_000, seconds: seconds).prefix(channels: 1).levelled(level)
      case .babble: Voice.babble(level: level, seconds: seconds)
      }
    }
  }

  /// What is made of speech and noise, and of speech and the same noise upside down, tells what is made of each.
  @Test(arguments: Noise.allCases, [UInt64(1), 2, 3]) func noiseFalls(noise: Noise, voice: UInt64) {
    let speech = Voice.sound(seed: voice, seconds: Self.seconds)
    let noise = (kind: noise, sound: noise.sound(-34))
    let first = (speech + noise.sound).denoised()
    let second = (speech + noise.sound.scaled(-1)).denoised()
    let heard = 96_000..<speech.frames
    let half = Sound([zip(first.channels[0], second.channels[0]).map { ($0 + $1) / 2 }])
    let rest = Sound([zip(first.channels[0], second.channels[0]).map { ($0 - $1) / 2 }])
    let (speechBefore, noiseBefore) = (speech.later(by: Self.latency), noise.sound.later(by: Self.latency))
    let lost = speechBefore.slice(heard).meanLevel - half.slice(heard).meanLevel
    let gain = noiseBefore.slice(heard).meanLevel - rest.slice(heard).meanLevel - lost
    let before = (speech + noise.sound).later(by: Self.latency).segmentalSNR(of: speechBefore, from: 96_000)
    let after = first.segmentalSNR(of: speechBefore, from: 96_000)
    report("\(noise.kind), voice \(voice): SNR +\(gain) dB, speech −\(lost) dB, segmental +\(after - before) dB")
    #expect(gain >= (noise.kind == .babble ? 5 : 8))
    #expect(lost <= 2)
  }

  @Test(arguments: [UInt64(1), 2, 3, 4]) func cleanSpeechStays(voice: UInt64) {
    let speech = Voice.sound(seed: voice, seconds: Self.seconds)
    let heard = speech.denoised().slice(96_000..<speech.frames)
    let before = speech.later(by: Self.latency).slice(96_000..<speech.frames)
    let loss = before.meanLevel - heard.meanLevel
    let segmental = heard.segmentalSNR(of: before, from: 0)
    report("clean voice \(voice): −\(loss) dB, segmental SNR \(segmental) of 35 dB")
    #expect(abs(loss) <= 0.5)
    #expect(segmental >= 32)
  }

  /// With noise 45 dB below the voices.
  @Test func voicesInAQuietRoomStay() {
    var loss = 0.0
    let noise = HardSound.pink.sound(rate: 48_000, seconds: Self.seconds).prefix(channels: 1).levelled(-69)
    for voice in UInt64(1)...4 {
      let speech = Voice.sound(seed: voice, seconds: Self.seconds)
      let clean = speech.later(by: Self.latency)
      let before = (speech + noise).later(by: Self.latency).segmentalSNR(of: clean, from: 96_000)
      let after = (speech + noise).denoised().segmentalSNR(of: clean, from: 96_000)
      report("voice \(voice) in a quiet room: segmental SNR \(after) of \(before) dB")
      loss += (before - after) / 4
    }
    #expect(loss <= 3)
  }

  @Test(arguments: [8000, 16_000, 22_050, 44_100, 48_000, 96_000]) func delayIsWhatItSays(rate: Int) {
    let format = StreamFormat(rate: SampleRate(hertz: rate), layout: .mono)
    let latency = NoiseSuppressor(format: format).latency.value
    #expect(latency <= rate / 50)
    // Noise enough at first, so that what follows is heard as it is.
    var tone = Sound(rate: rate, seconds: 2) { _, time in time < 1 ? 0 : 0.3 * sin(2 * .pi * 437 * time) }
    var chance = Chance(5)
    for frame in 0..<tone.frames { tone.channels[0][frame] += Float(1e-4 * chance.even()) }
    let heard = tone.denoised(blocks: [100])
    let from = rate + rate / 10
    let rest = (from..<from + rate / 4).map { heard.channels[0][$0 + latency] - tone.channels[0][$0] }
    #expect(Sound.meanLevel(rest[...]) < -45)
    var off = NoiseSuppressor.Settings()
    off.isEnabled = false
    #expect(tone.denoised(off, blocks: [100]) == tone.later(by: latency))
    (off.isEnabled, off.strength) = (true, Decibels(0))
    #expect(tone.denoised(off, blocks: [100]) == tone.later(by: latency))
  }

  @Test func strengthIsTheMost() {
    let noise = Noise.white.sound(-40)
    var last = 0.0
    for strength in [6.0, 12, 20, 30] {
      var settings = NoiseSuppressor.Settings()
      settings.strength = Decibels(strength)
      let fall = noise.meanLevel - noise.denoised(settings).slice(240_000..<480_000).meanLevel
      report("strength \(strength): −\(fall) dB")
      // What stands out of noise by chance is not all taken for noise.
      #expect(fall > min(0.9 * strength, 15) && fall < strength + 0.5 && fall > last)
      last = fall
    }
  }

  @Test func channelsShareAGain() {
    let speech = Voice.sound(seed: 1, seconds: 3)
    let noise = HardSound.white.sound(rate: 48_000, seconds: 3).prefix(channels: 1).levelled(-40)
    let one = (speech + noise).channels[0]
    let heard = Sound([one, one.map { $0 / 2 }]).denoised()
    #expect(zip(heard.channels[0], heard.channels[1]).allSatisfy { abs($0 / 2 - $1) < 1e-6 })
  }

  @Test func blocksDoNotMatter() {
    let sound = Voice.sound(seed: 2, seconds: 1) + HardSound.pink.sound(rate: 48_000, seconds: 1).prefix(channels: 1)
    let whole = sound.denoised(blocks: [sound.frames])
    for blocks in Sound.cuts { #expect(sound.denoised(blocks: blocks) == whole) }
  }

  @Test func changesDoNotClickAndGarbagePasses() {
    let tone = Sound.sine(100, decibels: -20, seconds: 2)
    render_guard_count_apart(1)
    let heard = tone.denoised(blocks: [64]) { place, settings in
      if (30_000..<50_000).contains(place) { settings.isEnabled = false }
      if place > 70_000 { settings.strength = Decibels(6) }
    }
    #expect((0..<Int32(4)).map { render_guard_apart_hits_of($0) } == [0, 0, 0, 0])
    render_guard_count_apart(0)
    heard.slice(20_000..<96_000).expectNoClick("denoise")
    var broken = Voice.sound(seed: 3, seconds: 2)
    for frame in 20_000..<20_100 { broken.channels[0][frame] = [.nan, .infinity, 3e38, -9e5][frame % 4] }
    let after = broken.denoised()
    #expect(after.channels[0].allSatisfy { $0.isFinite })
    #expect(after.slice(70_000..<96_000).meanLevel > broken.slice(70_000..<95_000).meanLevel - 1)
    #expect(after.slice(24_000..<96_000).samplePeak < 2)
  }

  @Test func silenceStaysSilence() {
    #expect(Sound(seconds: 1) { _, _ in 0 }.denoised().samplePeak == 0)
    let noise = Noise.white.sound(-40)
    let began = renderNow()
    _ = noise.denoised(blocks: [480])
    let share = Double(renderNow().nanoseconds - began.nanoseconds) / 1e9 / Self.seconds
    report("\(share * 100) % of a core")
  }
}
