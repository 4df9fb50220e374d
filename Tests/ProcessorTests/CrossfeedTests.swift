import AudioCore
import CRenderGuard
import Glibc
import Testing

@testable import Mixer

@Suite struct CrossfeedTests {
  private func fed(_ sound: TestSound, _ settings: Crossfeed.Settings = .init(), block: Int = 512) -> TestSound {
    var sound = sound
    var crossfeed = Crossfeed(
      format: StreamFormat(
        rate: SampleRate(hertz: sound.rate), layout: ChannelLayout(channels: sound.channels.count)!), settings: settings
    )
    sound.render(block: block) { crossfeed.process($0, frames: $1) }
    return sound
  }

  /// Level and phase of a tone in the second half of a plane.
  private func tone(_ plane: [Float], _ frequency: Double) -> (level: Double, degrees: Double) {
    var (real, imaginary) = (0.0, 0.0)
    for frame in plane.count / 2..<plane.count {
      let turn = 2 * Double.pi * frequency * Double(frame) / 48_000
      real += Double(plane[frame]) * sin(turn)
      imaginary += Double(plane[frame]) * cos(turn)
    }
    let scale = 4 / Double(plane.count)
    return (20 * log10(hypot(real, imaginary) * scale), atan2(imaginary, real) * 180 / .pi)
  }

  @Test func oneSideReachesTheOther() {
    for (frequency, late) in [(40.0, 0.22), (700, 0.3), (8000, 0.05)] {
      // The analogue circuit: a share of 1 / (1 + jf/700) of the difference.
      let far = pow(10, -4.5 / 20)
      let share = far / (1 + far)
      let ratio = frequency / 700
      let power = 1 + ratio * ratio
      let nearPower = (1 - share / power) * (1 - share / power) + share * share * ratio * ratio / (power * power)
      let separation = 10 * log10(nearPower * power / (share * share))
      var sound = TestSound(sine: frequency, level: -12, seconds: 2, channels: 2)
      sound.channels[1] = Array(repeating: 0, count: sound.frames)
      let heard = fed(sound)
      let (near, other) = (tone(heard.channels[0], frequency), tone(heard.channels[1], frequency))
      #expect(abs(near.level - other.level - separation) < 1, "\(frequency): \(near.level - other.level)")
      let milliseconds = (near.degrees - other.degrees) / 360 / frequency * 1000
      #expect(milliseconds > 0 && abs(milliseconds - late) < 0.2, "\(frequency): \(milliseconds)")
    }
  }

  @Test func whatBothShareIsBitExact() {
    var sound = TestSound(noise: -12, seconds: 0.5, channels: 6)
    sound.channels[1] = sound.channels[0]
    #expect(fed(sound).channels == sound.channels)
    let other = TestSound(noise: -12, seconds: 0.5, channels: 6)
    #expect(fed(other).channels[2...] == other.channels[2...] && fed(other).channels[0] != other.channels[0])
    var off = Crossfeed.Settings()
    off.isEnabled = false
    #expect(fed(other, off).channels == other.channels)
  }

  @Test func blocksDoNotMatter() {
    let sound = TestSound(noise: -12, seconds: 0.3, channels: 2)
    let whole = fed(sound, block: 100_000)
    for block in [1, 64, 7, 997] { #expect(fed(sound, block: block).channels == whole.channels) }
  }

  @Test func changesDoNotClickAndGarbagePasses() {
    var crossfeed = Crossfeed(format: StreamFormat(rate: .codec, layout: .stereo))
    var sound = TestSound(sine: 100, level: -20, seconds: 1, channels: 2)
    sound.channels[1] = sound.channels[1].map { -$0 }
    var settings = Crossfeed.Settings()
    var at = 0
    render_guard_count_apart(1)
    sound.render(block: 480) { planes, frames in
      if at == 19_200 { settings.isEnabled = false }
      if at == 28_800 { (settings.isEnabled, settings.frequency, settings.separation) = (true, 2000, Decibels(1)) }
      crossfeed.aim(settings)
      crossfeed.process(planes, frames: frames)
      at += frames
    }
    #expect((0..<Int32(4)).map { render_guard_apart_hits_of($0) } == [0, 0, 0, 0])
    render_guard_count_apart(0)
    let plane = sound.channels[0]
    #expect(zip(plane, plane.dropFirst()).map { abs($0 - $1) }.max()! < 0.02)
    var broken = TestSound(noise: -12, seconds: 0.2, channels: 2)
    for frame in 100..<200 { (broken.channels[0][frame], broken.channels[1][frame]) = (.nan, 3e38) }
    let heard = fed(broken)
    #expect(heard.channels.allSatisfy { $0.allSatisfy(\.isFinite) })
    #expect(heard.channels[0].suffix(2000).allSatisfy { abs($0) < 1 })
  }
}
