import AudioCore
import CRenderGuard
import Glibc
import Testing

@testable import Mixer

/// What a leveller made of a sound, and its gain after each block.
private struct Levelled {
  var sound: TestSound
  var gains: [Double] = []

  /// `chain` stands for what follows the leveller.
  init(
    _ input: TestSound, _ settings: LevellerSettings = LevellerSettings(), block: Int = 480,
    closes: Bool = true, chain: (UnsafePointer<UnsafeMutablePointer<Float>>, Int) -> Void = { _, _ in },
    before: (Int, inout Leveller) -> Void = { _, _ in }
  ) {
    sound = input
    let layout = ChannelLayout(channels: input.channels.count)!
    var leveller = Leveller(
      format: StreamFormat(rate: SampleRate(hertz: input.rate), layout: layout), settings: settings)
    var found: [Double] = []
    found.reserveCapacity(input.frames / block + 1)
    var at = 0
    sound.render(block: block) { planes, frames in
      before(at, &leveller)
      leveller.process(planes, frames: frames)
      chain(planes, frames)
      if closes { leveller.hear(planes, frames: frames) }
      found.append(leveller.gain.value)
      at += frames
    }
    gains = found
  }

  /// Of the last seconds, by the reference.
  func loudness(last seconds: Double) -> Double {
    ReferenceMeter(sound.keeping(last: seconds), peaks: false).integrated
  }
}

/// Noise that falls by 3 dB an octave, at a loudness by the reference.
func pink(_ loudness: Double, seconds: Double, channels: Int = 2, seed: UInt64 = 3) -> TestSound {
  var sound = TestSound(noise: -20, seconds: seconds, channels: channels, seed: seed)
  for channel in sound.channels.indices {
    var (a, b, c) = (0.0, 0.0, 0.0)
    sound.channels[channel] = sound.channels[channel].map { sample in
      let white = Double(sample)
      a = 0.99765 * a + white * 0.0990460
      b = 0.96300 * b + white * 0.2965164
      c = 0.57000 * c + white * 1.0526913
      return Float(0.3 * (a + b + c + white * 0.1848))
    }
  }
  return sound.scaled(by: loudness - ReferenceMeter(sound, peaks: false).integrated)
}

/// Noise in syllables, four a second, in phrases with pauses between them; at a loudness by the reference.
func speech(_ loudness: Double, seconds: Double) -> TestSound {
  var sound = pink(-20, seconds: seconds, channels: 1, seed: 8)
  var random = TestRandom(seed: 12)
  var (phraseEnd, pauseEnd) = (0, 0)
  var loud = 1.0
  for frame in 0..<sound.frames {
    if frame >= pauseEnd {
      phraseEnd = frame + Int((0.8 + 1.6 * random.unit()) * 48_000)
      pauseEnd = phraseEnd + Int((0.2 + 0.5 * random.unit()) * 48_000)
      loud = pow(10, random.bipolar() * 3 / 20)
    }
    let syllable = 0.1 + 0.9 * abs(sin(Double.pi * 4 * Double(frame) / 48_000))
    sound.channels[0][frame] *= frame < phraseEnd ? Float(syllable * loud) : 0
  }
  sound.channels.append(sound.channels[0])
  return sound.scaled(by: loudness - ReferenceMeter(sound, peaks: false).integrated)
}

private func wide(_ change: (inout LevellerSettings) -> Void = { _ in }) -> LevellerSettings {
  var settings = LevellerSettings()
  settings.mostBoost = Decibels(30)
  settings.mostCut = Decibels(30)
  change(&settings)
  return settings
}

@Suite struct LevellerTests {
  @Test(arguments: [-40.0, -18, -8]) func stationarySound(level: Double) {
    for sound in [
      pink(level, seconds: 30),
      TestSound(sine: 997, level: level + 0.01, seconds: 30, channels: 2),
    ] {
      let found = Levelled(sound, wide()).loudness(last: 15)
      #expect(abs(found + 18) < 0.3, "\(level): \(found)")
    }
  }

  @Test(arguments: [-40.0, -24, -8]) func speechLikeSound(level: Double) {
    let found = Levelled(speech(level, seconds: 30), wide()).loudness(last: 15)
    #expect(abs(found + 18) < 0.7, "\(level): \(found)")
  }

  /// What follows adds gain, as a compressor's make-up does, or bends peaks: the end of the chain is at the target.
  @Test func whatFollowsIsMadeUpFor() {
    for (index, sound) in [
      pink(-18, seconds: 30), TestSound(sine: 997, level: -18, seconds: 30, channels: 2), speech(-24, seconds: 30),
    ].enumerated() {
      let made = Levelled(
        sound, wide(),
        chain: { planes, frames in
          for channel in 0..<2 {
            for frame in 0..<frames {
              let x = planes[channel][frame] * 1.7
              planes[channel][frame] = max(-0.6, min(0.6, x))
            }
          }
        })
      let found = made.loudness(last: 15)
      #expect(abs(found + 18) < 0.7, "\(index): \(found)")
      // Without the loop it is not.
      let open = Levelled(
        sound, wide(), closes: false,
        chain: { planes, frames in
          for channel in 0..<2 { for frame in 0..<frames { planes[channel][frame] *= 1.7 } }
        })
      #expect(open.loudness(last: 15) > -15)
    }
  }

  /// A compressor of 3:1 in the loop, which answers to the gain.
  @Test func compressorInTheLoop() {
    var envelope = 0.0
    let made = Levelled(
      pink(-30, seconds: 30), wide(),
      chain: { planes, frames in
        for frame in 0..<frames {
          let x = Double(planes[0][frame])
          envelope += (x * x - envelope) * 0.0005
          let level = 10 * log10(envelope + 1e-12)
          let gain = Float(pow(10, ((level > -24 ? (level + 24) * (1 / 3.0 - 1) : 0) + 7) / 20))
          planes[0][frame] *= gain
          planes[1][frame] *= gain
        }
      })
    let found = made.loudness(last: 15)
    #expect(abs(found + 18) < 0.7, "\(found)")
  }

  @Test func beginningsAreRight() {
    for sound in [pink(-18, seconds: 10), TestSound(sine: 997, level: -18, seconds: 10, channels: 2)] {
      let made = Levelled(TestSound.joined([TestSound(silence: 10, channels: 2), sound]))
      let worst = made.gains.map { abs($0) }.max()!
      #expect(worst < 0.3, "\(worst)")
    }
  }

  /// Digital silence, and a floor far below the programme.
  @Test(arguments: [-200.0, -48]) func pausesHoldTheGain(floor: Double) {
    let pause = floor < -100 ? TestSound(silence: 5, channels: 2) : pink(floor, seconds: 5, seed: 5)
    let made = Levelled(TestSound.joined([pink(-24, seconds: 15), pause, pink(-24, seconds: 10, seed: 6)]))
    let before = made.gains[1499]
    #expect(abs(before - 6) < 0.5)
    let drift = made.gains[1500..<2000].map { abs($0 - before) }.max()!
    #expect(drift < 0.2, "\(drift)")
    let after = made.gains[2000..<2500].map { abs($0 - before) }.max()!
    #expect(after < 0.5, "\(after)")
  }

  @Test func aLouderProgramme() {
    for (low, high) in [
      (pink(-38, seconds: 15), pink(-18, seconds: 10, seed: 4)),
      (pink(-28, seconds: 15), pink(-8, seconds: 10, seed: 4)),
    ] {
      let made = Levelled(TestSound.joined([low, high]), wide())
      let settled = made.gains[2400]
      let late = made.gains[1850..<2500].map { abs($0 - settled) }.max()!
      #expect(late < 1, "\(late)")
      #expect(made.gains[1500...].min()! > settled - 0.5)
    }
  }

  @Test func aQuieterProgramme() {
    let made = Levelled(TestSound.joined([pink(-16, seconds: 15), pink(-36, seconds: 20, seed: 4)]), wide())
    #expect(made.gains[2700..<3500].allSatisfy { abs($0 - 18) < 1 }, "\(made.gains[2700])")
    #expect(made.gains.max()! < 18.5)
  }

  @Test func noFasterThanAsked() {
    let sound = TestSound.joined([pink(-18, seconds: 4), pink(-2, seconds: 4), pink(-20, seconds: 6)])
    for (rise, fall) in [(3.0, 10.0), (1, 2)] {
      let settings = wide { ($0.rise, $0.fall) = (rise, fall) }
      let made = Levelled(sound, settings)
      let steps = zip(made.gains.dropFirst(), made.gains).map { ($0 - $1) * 100 }
      #expect(steps.max()! < rise * 1.01 && steps.min()! > -fall * 1.01)
      #expect(steps.min()! < -fall * 0.9 && steps.max()! > rise * 0.5)
      // And between the samples of a constant: the same, in hundredths of a second.
      var flat = sound
      flat.channels = flat.channels.map { $0.map { $0 } }
      let ratio = zip(made.sound.channels[0], sound.channels[0]).map { $1 == 0 ? 0 : Double($0 / $1) }
      var steepest = 0.0
      for frame in stride(from: 480, to: ratio.count, by: 240) where ratio[frame] > 0 && ratio[frame - 480] > 0 {
        steepest = max(steepest, abs(20 * log10(ratio[frame] / ratio[frame - 480])) * 100)
      }
      #expect(steepest < max(rise, fall) * 1.01, "\(steepest)")
    }
  }

  @Test func aNoiseFloorIsLeftAlone() {
    let made = Levelled(pink(-75, seconds: 20), wide())
    #expect(made.gains.allSatisfy { $0 == 0 })
    #expect(made.sound.channels == pink(-75, seconds: 20).channels)
  }

  /// Peaks are not lifted beyond the ceiling.
  @Test func boostsKnowThePeaks() {
    var sound = pink(-40, seconds: 10)
    for frame in stride(from: 0, to: sound.frames, by: 9600) { sound.channels[0][frame] = 0.25 }
    let free = Levelled(sound, wide { $0.peakCeiling = Decibels(40) })
    let bound = Levelled(sound, wide { $0.peakCeiling = Decibels(-3) })
    #expect(free.gains.last! > 14)
    #expect(bound.gains.max()! <= 12.05 - 3 + 0.01 && bound.gains.last! > 8)
  }

  @Test func aNewProgrammeIsFoundAtOnce() {
    let sound = TestSound.joined([pink(-30, seconds: 8), pink(-12, seconds: 4, seed: 2)])
    func settledAfter(_ forgets: Bool) -> Int {
      let made = Levelled(sound, before: { at, leveller in if forgets, at == 8 * 48_000 { leveller.forget() } })
      return made.gains.dropFirst(800).firstIndex { abs($0 + 6) < 1 }! - 800
    }
    #expect(settledAfter(true) < 110)
    #expect(settledAfter(true) < settledAfter(false))
  }

  @Test func switchedOffItIsBitExact() {
    let off = wide { $0.isEnabled = false }
    let sound = pink(-30, seconds: 4)
    #expect(Levelled(sound, off).sound.channels == sound.channels)
    // And after having been on.
    let long = TestSound.joined([sound, sound, sound])
    let made = Levelled(long, wide(), before: { at, leveller in if at == 192_000 { leveller.aim(off) } })
    #expect(made.gains[398] > 5 && made.gains.last! == 0)
    #expect(made.sound.channels[0].suffix(96_000) == long.channels[0].suffix(96_000))
  }

  @Test func blocksDoNotMatter() {
    for rate in [44_100, 48_000] {
      var sound = TestSound(noise: -30, seconds: 1.5, channels: 6, rate: rate)
      sound = TestSound.joined([sound, TestSound(noise: -8, seconds: 1.5, channels: 6, rate: rate)])
      let whole = Levelled(sound, wide(), block: 1024, closes: false).sound.channels
      #expect(whole != sound.channels)
      for block in [1, 64, 256, 7, 997] {
        #expect(Levelled(sound, wide(), block: block, closes: false).sound.channels == whole)
      }
    }
  }

  @Test func recoversFromGarbage() {
    var sound = pink(-24, seconds: 10)
    var random = TestRandom(seed: 2)
    for frame in 96_000..<100_800 {
      for channel in 0..<2 {
        sound.channels[channel][frame] = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()) | 0x7F00_0000)
      }
    }
    let made = Levelled(sound)
    #expect(made.sound.channels.allSatisfy { $0.allSatisfy(\.isFinite) })
    #expect(abs(made.gains.last! - 6) < 1)
  }

  @Test func settingsOfAnyKind() {
    var random = TestRandom(seed: 3)
    func any() -> Double { random.next() % 4 == 0 ? Double(bitPattern: random.next()) : random.bipolar() * 100 }
    for _ in 0..<50 {
      var settings = LevellerSettings()
      (settings.target, settings.rise, settings.fall, settings.gate) = (any(), any(), any(), any())
      (settings.pauseDepth, settings.window) = (any(), any())
      (settings.mostBoost, settings.mostCut) = (Decibels(any()), Decibels(any()))
      settings.peakCeiling = Decibels(any())
      let made = Levelled(TestSound(noise: any().clamped(-90, 10), seconds: 0.8, channels: 2), settings)
      #expect(made.gains.allSatisfy { $0.isFinite && abs($0) <= 60 })
      #expect(made.sound.channels.allSatisfy { $0.allSatisfy(\.isFinite) })
    }
  }

  @Test(.enabled(if: render_guard_available() != 0)) func allocatesNothing() {
    var leveller = Leveller(format: StreamFormat(rate: .codec, layout: .surround71))
    var sound = TestSound(noise: -30, seconds: 2, channels: 8)
    render_guard_count_apart(1)
    sound.render(block: 64) { planes, frames in
      leveller.aim(LevellerSettings())
      leveller.process(planes, frames: frames)
      leveller.hear(planes, frames: frames)
    }
    #expect((0..<Int32(4)).map { render_guard_apart_hits_of($0) } == [0, 0, 0, 0])
    render_guard_count_apart(0)
  }
}

extension Double {
  fileprivate func clamped(_ low: Double, _ high: Double) -> Double { isFinite ? min(max(self, low), high) : low }
}
