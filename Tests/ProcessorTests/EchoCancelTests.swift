import AudioCore
import CRenderGuard
import Glibc
import Testing

@testable import Mixer

@Suite struct EchoCancelTests {
  static let latency = 512
  /// What a microphone has of its own.
  private static func hiss(_ seconds: Double) -> Sound { .white(-75, seconds: seconds, seed: 77) }

  @Test(arguments: [3.0, 60, 210, 480]) func whiteNoiseGoes(delay: Double) {
    let far = Sound.white(-25, seconds: 5)
    let heard = EchoRoom(5, delay: delay).heard(far) + Self.hiss(5)
    var settings = EchoCanceller.Settings()
    let with = heard.cancelled(far: far)
    settings.suppression = Decibels(0)
    let without = heard.cancelled(far: far, settings).sound
    let (whole, filter) = (heard.enhancement(with.sound, 3, 4.9), heard.enhancement(without, 3, 4.9))
    report(
      "white, \(delay) ms: \(whole) dB, \(filter) of it the filter's; found \(with.delay) ms, read \(with.enhancement)")
    #expect(filter >= 25)
    #expect(whole >= filter)
    #expect(abs(with.delay - delay) <= 10)
    #expect(abs(with.enhancement - whole) < 3)
  }

  @Test(arguments: [UInt64(1), 2, 4, 5], [20.0, 300]) func voicesGo(voice: UInt64, delay: Double) {
    let far = Voice.sound(seed: voice, seconds: 8)
    let heard = EchoRoom(6, delay: delay).heard(far) + Self.hiss(8)
    let (output, found, _) = heard.cancelled(far: far)
    let enhancement = heard.enhancement(output, 3, 7.9)
    report("voice \(voice), \(delay) ms: \(enhancement) dB; found \(found) ms")
    #expect(enhancement >= 20)
    #expect(abs(found - delay) <= 10)
  }

  @Test(arguments: [UInt64(0), 1, 4, 5]) func anotherRoomIsLearnt(voice: UInt64) {
    let far = voice == 0 ? Sound.white(-25, seconds: 9) : Voice.sound(seed: voice, seconds: 9)
    let (first, second) = (EchoRoom(5, delay: 40).heard(far), EchoRoom(9, delay: 43).heard(far))
    let change = 5 * 48_000
    let heard = Sound([Array(first.channels[0][..<change] + second.channels[0][change...])]) + Self.hiss(9)
    let output = heard.cancelled(far: far).sound
    let enhancement = heard.enhancement(output, 6, 7)
    report("voice \(voice), changed: \(enhancement) dB after a second, \(heard.enhancement(output, 7, 8.9)) after two")
    #expect(enhancement >= 15)
  }

  @Test(arguments: [UInt64(0), 1, 2, 4]) func whoSpeaksIsHeard(voice: UInt64) {
    let far = voice == 0 ? Sound.white(-25, seconds: 10) : Voice.sound(seed: voice, seconds: 10)
    var near = Voice.sound(seed: voice + 7, seconds: 10)
    for frame in 0..<4 * 48_000 { near.channels[0][frame] = 0 }
    let echo = EchoRoom(5, delay: 40).heard(far)
    let output = (echo + near + Self.hiss(10)).cancelled(far: far).sound
    var worst = 0.0
    for second in 4..<9 {
      var (both, own) = (0.0, 1e-9)
      for frame in second * 48_000..<(second + 1) * 48_000 {
        let voice = Double(near.channels[0][frame])
        both += voice * Double(output.channels[0][frame + Self.latency])
        own += voice * voice
      }
      worst = min(worst, decibels(both / own))
    }
    report("voice \(voice) and another at once: the other \(worst) dB in the worst second")
    #expect(worst >= -3)
  }

  @Test(arguments: [UInt64(0), 1, 2]) func clocksMayDrift(voice: UInt64) {
    let far = voice == 0 ? Sound.white(-25, seconds: 10) : Voice.sound(seed: voice, seconds: 10)
    let echo = EchoRoom(5, delay: 40).heard(far).channels[0]
    // 50 millionths slower.
    let late = echo.indices.map { frame -> Float in
      let place = Double(frame) * (1 - 50e-6)
      let (whole, part) = (Int(place), Float(place - place.rounded(.down)))
      return whole + 1 < echo.count ? echo[whole] * (1 - part) + echo[whole + 1] * part : 0
    }
    let heard = Sound([late]) + Self.hiss(10)
    let enhancement = heard.enhancement(heard.cancelled(far: far).sound, 4, 9.9)
    report("voice \(voice), drift: \(enhancement) dB")
    #expect(enhancement >= (voice == 0 ? 8 : 20))
  }

  @Test func withoutAnEchoNothingHappens() {
    let near = Voice.sound(seed: 3, seconds: 4)
    let silent = Sound(seconds: 4) { _, _ in 0 }
    let alone = near.cancelled(far: silent).sound
    #expect(
      zip(alone.channels[0].dropFirst(2000), near.later(by: Self.latency).channels[0].dropFirst(2000))
        .allSatisfy { abs($0 - $1) < 1e-5 })
    let other = near.cancelled(far: Voice.sound(seed: 1, seconds: 4))
    #expect(abs(other.sound.slice(48_000..<190_000).meanLevel - near.slice(48_000..<189_500).meanLevel) < 1)
    #expect(other.delay == 0)
    #expect(silent.cancelled(far: silent).sound.samplePeak == 0)
  }

  @Test(arguments: [8000, 44_100, 48_000, 96_000]) func offIsBitExactAtAnyRate(rate: Int) {
    let format = StreamFormat(rate: SampleRate(hertz: rate), layout: .stereo)
    let latency = EchoCanceller(format: format, farChannels: 1).latency.value
    #expect(latency <= rate / 50)
    #expect(rate != 48_000 || latency == Self.latency)
    var chance = Chance(3)
    let sound = Sound(rate: rate, channels: 2, seconds: 0.5) { _, _ in 0.3 * chance.even() }
    var off = EchoCanceller.Settings()
    off.isEnabled = false
    #expect(sound.cancelled(far: sound, off, blocks: [100]).sound == sound.later(by: latency))
    // Both channels of a pair have their echo taken away.
    let far = Sound(rate: rate, channels: 1, seconds: 3) { _, _ in 0.1 * chance.normal() }
    let room = EchoRoom(2, delay: 10, rate: rate).heard(far).channels[0]
    let output = Sound(rate: rate, [room, room.map { -$0 / 2 }]).cancelled(far: far).sound
    for channel in 0..<2 {
      #expect(
        Sound.meanLevel(output.channels[channel][(rate * 5 / 2)...]) < Sound.meanLevel(room[(rate * 5 / 2)...]) - 25)
    }
  }

  @Test func blocksDoNotMatter() {
    let far = Voice.sound(seed: 2, seconds: 1.5)
    let heard = EchoRoom(1, delay: 20).heard(far) + Self.hiss(1.5)
    let whole = heard.cancelled(far: far, blocks: [heard.frames]).sound
    for blocks in Sound.cuts { #expect(heard.cancelled(far: far, blocks: blocks).sound == whole) }
  }

  @Test func changesDoNotClickAndGarbagePasses() {
    let tone = Sound.sine(100, decibels: -20, seconds: 2)
    let far = Sound.white(-60, seconds: 2)
    render_guard_count_apart(1)
    let heard = tone.cancelled(far: far, blocks: [64]) { place, settings in
      if (30_000..<50_000).contains(place) { settings.isEnabled = false }
      if place > 70_000 { settings.suppression = Decibels(0) }
    }
    #expect((0..<Int32(4)).map { render_guard_apart_hits_of($0) } == [0, 0, 0, 0])
    render_guard_count_apart(0)
    heard.sound.slice(20_000..<96_000).expectNoClick("echo_cancel")
    var loud = Sound.white(-25, seconds: 8)
    var broken = EchoRoom(5, delay: 20).heard(loud)
    for frame in 100_000..<100_400 {
      broken.channels[0][frame] = [.nan, .infinity, 3e38, -9e5][frame % 4]
      loud.channels[0][frame + 3000] = [-9e5, .nan, -.infinity, 9e5][frame % 4]
    }
    let after = broken.cancelled(far: loud).sound
    #expect(after.channels[0].allSatisfy { $0.isFinite })
    let enhancement = broken.enhancement(after, 6, 7.9)
    report("after nonsense: \(enhancement) dB")
    #expect(enhancement > 20)
  }

  @Test func costIsSaid() {
    let far = Sound.white(-25, seconds: 5)
    let heard = EchoRoom(5, delay: 20).heard(far)
    let began = renderNow()
    _ = heard.cancelled(far: far)
    report("\(Double(renderNow().nanoseconds - began.nanoseconds) / 5e7) % of a core")
  }
}
