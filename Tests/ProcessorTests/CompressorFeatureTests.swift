import AudioCore
import CRenderGuard
import Mixer
import Testing

@Suite struct CompressorFeatureTests {
  static func settled(_ level: Double, _ settings: Compressor.Settings, seconds: Double = 1) -> Double {
    let output = Sound.steps([(level, seconds)]).compressed(settings)
    return decibels(output.channels[0].last!) - level
  }

  @Test func rangeMixAndMakeUp() {
    var settings = CompressorTests.settings(ratio: 4, knee: 0)
    #expect(abs(Self.settled(-4, settings) + 15) < 0.01)
    settings.range = 9
    #expect(abs(Self.settled(-4, settings) + 9) < 0.01)
    settings.makeUp = 5
    #expect(abs(Self.settled(-4, settings) + 4) < 0.01)
    settings.makeUp = 0
    settings.range = 60
    settings.mix = 0.5
    #expect(abs(Self.settled(-4, settings) - decibels((1 + amplitude(-15)) / 2)) < 0.01)
    settings.mix = 0
    let loud = Sound.steps([(0, 0.5)])
    #expect(loud.compressed(settings) == loud)
  }

  /// The automatic make-up gives back what was taken, and a pause changes nothing.
  @Test func automaticMakeUp() {
    var settings = CompressorTests.settings(ratio: 4, knee: 0)
    settings.autoMakeUp = true
    #expect(abs(Self.settled(-4, settings, seconds: 20)) < 0.1)
    let output = Sound.steps([(-4, 20), (-90, 10), (-4, 0.2)]).compressed(settings)
    #expect(abs(decibels(output.channels[0].last!) + 4) < 0.1)
    #expect(abs(decibels(output.channels[0][29 * 48_000]) + 90 - 15) < 0.1)
  }

  /// Only what the side chain's filters let through counts.
  @Test func sideChainHearsItsBand() {
    var settings = CompressorTests.settings(threshold: -30, knee: 0)
    settings.sideChainHighPass = 1000
    settings.sideChainLowPass = 4000
    let reduced = { (hertz: Double) in
      let tone = Sound.sine(hertz, decibels: -10, seconds: 0.5)
      return -10 - decibels(ToneResidue(tone.compressed(settings).channels[0][12_000...], hertz: hertz).amplitude)
    }
    #expect(reduced(100) < 0.001)
    #expect(reduced(19_000) < 1)
    #expect(abs(reduced(2000) - 15) < 0.6)
    // Second order, 3 dB at the corner.
    #expect(abs(reduced(1000) - 0.75 * (20 - 3.01)) < 0.2)
  }

  @Test func keyIsHeardInsteadOfTheSound() {
    var compressor = Compressor(
      rate: .codec, channels: 2, keyChannels: 1, settings: CompressorTests.settings(threshold: -30, knee: 0))
    var sound = Sound.sine(440, decibels: -3, channels: 2, seconds: 1)
    let key = UnsafeMutablePointer<Float>.allocate(capacity: 480)
    let keys = UnsafeMutablePointer<UnsafeMutablePointer<Float>>.allocate(capacity: 1)
    keys.initialize(to: key)
    defer {
      key.deallocate()
      keys.deallocate()
    }
    let input = sound
    sound.process(blocks: [480]) { planes, place, count in
      for frame in 0..<count { key[frame] = place < 24_000 ? 0.01 : 0.3162278 }
      compressor.process(planes, key: UnsafePointer(keys), frames: count)
    }
    #expect(sound.slice(0..<24_000) == input.slice(0..<24_000))
    let residue = ToneResidue(sound.channels[1][36_000...], hertz: 440)
    #expect(abs(decibels(residue.amplitude) + 18) < 0.05)
  }

  /// With look-ahead the gain is down before the sound is up.
  @Test func lookaheadComesFirst() {
    let input = Sound.steps([(-60, 0.1), (0, 0.1)])
    let settings = CompressorTests.settings(ratio: .infinity, knee: 0, attack: 1)
    let late = input.compressed(settings).channels[0].max()!
    let early = input.compressed(settings, lookahead: .milliseconds(5)).channels[0].max()!
    #expect(late > 0.9)
    #expect(early < Float(amplitude(-23.5)))
    let compressor = Compressor(rate: .codec, channels: 2, lookahead: .milliseconds(5))
    #expect(compressor.latency == 240)
    #expect(Compressor(rate: .codec, channels: 2).latency == 0)
  }

  @Test func settingsChangeWithoutAClick() {
    let changes: [(String, (inout Compressor.Settings) -> Void)] = [
      ("threshold", { $0.threshold = -50 }), ("ratio", { $0.ratio = 20 }), ("knee", { $0.knee = 40 }),
      ("attack", { $0.attack = .zero }), ("release", { $0.release = .milliseconds(1) }), ("range", { $0.range = 1 }),
      ("make-up", { $0.makeUp = 6 }), ("auto", { $0.autoMakeUp = true }), ("mix", { $0.mix = 0 }),
      ("high-pass", { $0.sideChainHighPass = 2000 }), ("low-pass", { $0.sideChainLowPass = 50 }),
    ]
    for (name, change) in changes {
      let start = CompressorTests.settings(threshold: -30, ratio: 4, attack: 5)
      var compressor = Compressor(rate: .codec, channels: 1, settings: start)
      var output = Sound.sine(100, decibels: -20, seconds: 1)
      output.process(blocks: [64]) { planes, place, count in
        var settings = start
        if (20_000..<34_000).contains(place) { change(&settings) }
        compressor.apply(settings)
        compressor.process(planes, frames: count)
      }
      output.expectNoClick(name)
    }
  }

  @Test func anyBitsAndSettings() {
    var chance = Chance(5)
    for round in 0..<40 {
      let channels = 1 + round % 8
      var compressor = Compressor(
        rate: SampleRate(hertz: [8000, 48_000, 192_000][round % 3]), channels: channels,
        detector: round % 2 == 0
          ? .peak : .rms(window: HostDuration(nanoseconds: Int64(chance.bits() % 1_000_000_000))),
        lookahead: HostDuration(nanoseconds: Int64(chance.bits() % 9_000_000)))
      var sound = Sound(
        (0..<channels).map { _ in
          (0..<4000).map { _ in
            chance.bits() % 16 == 0
              ? Float(bitPattern: UInt32(truncatingIfNeeded: chance.bits())) : Float(chance.normal())
          }
        })
      sound.process(blocks: [1, 300, 77, 512]) { planes, _, count in
        var settings = Compressor.Settings()
        settings.threshold = chance.even() * 100
        settings.ratio = Double(bitPattern: chance.bits())
        settings.knee = chance.even() * 50
        settings.attack = HostDuration(nanoseconds: Int64(bitPattern: chance.bits()))
        settings.release = HostDuration(nanoseconds: Int64(bitPattern: chance.bits()))
        settings.range = Double(bitPattern: chance.bits())
        settings.makeUp = chance.even() * 20
        settings.autoMakeUp = chance.bits() % 2 == 0
        settings.mix = chance.even() * 2
        settings.sideChainHighPass = chance.even() * 30_000
        settings.sideChainLowPass = Double(bitPattern: chance.bits())
        compressor.apply(settings)
        compressor.process(planes, frames: count)
      }
      #expect(sound.channels.allSatisfy { $0.allSatisfy { $0.isFinite } }, "round \(round)")
    }
  }

  @Test func brokenSamplesAreForgotten() {
    let settings = CompressorTests.settings(threshold: -12)
    for bits in wildBits {
      for detector in [LevelDetector.peak, .rms(window: .milliseconds(10))] {
        var input = Sound.sine(997, decibels: -20, channels: 2, seconds: 0.5)
        let tone = input
        for frame in 10_000..<10_300 { input.channels[frame % 2][frame] = Float(bitPattern: bits) }
        let output = input.compressed(settings, detector: detector, blocks: [64])
        #expect(output.channels.allSatisfy { $0.allSatisfy { $0.isFinite } })
        #expect(output.slice(14_800..<24_000) == tone.slice(14_800..<24_000), "\(bits)")
      }
    }
  }

  @Test(.enabled(if: render_guard_available() != 0)) func nothingIsAllocated() {
    var compressor = Compressor(
      rate: .codec, channels: 8, detector: .rms(window: .milliseconds(10)), lookahead: .milliseconds(1))
    var expander = Expander(rate: .codec, channels: 8)
    var gate = Gate(rate: .codec, channels: 8)
    var sound = HardSound.drums.sound(rate: 48_000, seconds: 0.5)
    var settings = CompressorTests.settings()
    settings.sideChainHighPass = 100
    render_guard_count_apart(1)
    sound.process(blocks: [240]) { planes, place, count in
      streamd_render_guard_enter()
      settings.threshold = place % 480 == 0 ? -30 : -20
      settings.autoMakeUp.toggle()
      compressor.apply(settings)
      compressor.process(planes, frames: count)
      expander.apply(Expander.Settings())
      expander.process(planes, frames: count)
      gate.apply(Gate.Settings())
      gate.process(planes, frames: count)
      _ = compressor.takeGreatestReduction()
      streamd_render_guard_exit()
    }
    let hits = (0..<Int32(4)).map { render_guard_apart_hits_of($0) }
    render_guard_count_apart(0)
    #expect(hits == [0, 0, 0, 0])
  }
}
