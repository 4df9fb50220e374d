import AudioCore
import Glibc
import Mixer
import Testing

extension Sound {
  /// What a ducker makes of it while it hears a key.
  func ducked(
    by key: Sound, _ settings: Ducker.Settings = .init(), lookahead: HostDuration = .zero, blocks: [Int] = [256],
    change: (Int, inout Ducker.Settings) -> Void = { _, _ in }
  ) -> Sound {
    var ducker = Ducker(
      rate: SampleRate(hertz: rate), channels: channels.count, keyChannels: key.channels.count, lookahead: lookahead,
      settings: settings)
    let keys = UnsafeMutablePointer<UnsafeMutablePointer<Float>>.allocate(capacity: key.channels.count)
    for channel in key.channels.indices { keys[channel] = .allocate(capacity: blocks.max()!) }
    var result = self
    result.process(blocks: blocks) { planes, place, count in
      for channel in key.channels.indices {
        for frame in 0..<count { keys[channel][frame] = key.channels[channel][place + frame] }
      }
      var now = settings
      change(place, &now)
      ducker.apply(now)
      let done = ducker.process(planes, key: UnsafePointer(keys), frames: count)
      #expect(done)
    }
    for channel in key.channels.indices { keys[channel].deallocate() }
    keys.deallocate()
    return result
  }
}

@Suite struct DuckerTests {
  /// A voice from one second on, for so long.
  static func voice(seconds: Double, of total: Double, _ envelope: @escaping (Double) -> Double = { _ in 1 }) -> Sound {
    Sound(seconds: total) { _, time in
      time < 1 || time >= 1 + seconds ? 0 : 0.2 * envelope(time - 1) * sin(2 * .pi * 300 * time)
    }
  }

  static func reductions(_ output: Sound) -> [Double] { output.channels[0].map { -decibels($0) - 6 } }
  static func music(_ seconds: Double) -> Sound { Sound.steps([(-6, seconds)]) }

  @Test(arguments: [3, 6, 12, 24.0]) func depthAndTimes(depth: Double) {
    for (attack, hold, release) in [(5.0, 100.0, 200.0), (20, 250, 500), (50, 500, 1500)] {
      var settings = Ducker.Settings()
      settings.depth = depth
      settings.attack = .milliseconds(Int64(attack))
      settings.hold = .milliseconds(Int64(hold))
      settings.release = .milliseconds(Int64(release))
      let reductions = Self.reductions(Self.music(6).ducked(by: Self.voice(seconds: 1, of: 6), settings))
      #expect(abs(reductions[95_000] - depth) <= 0.2)
      // A block is 256 frames.
      let onset = reductions[48_000...].firstIndex { $0 >= 0.9 * depth }! - 48_000
      #expect(onset <= Int(48 * attack) + 256)
      let ending = reductions[96_000...].firstIndex { $0 < depth - 0.05 }! - 96_000
      #expect(abs(Double(ending) / 48 - hold) <= max(0.1 * hold, 0.03 * release))
      let back = reductions[96_000...].firstIndex { $0 <= depth * exp(-1) }! - 96_000
      #expect(abs(Double(back) / 48 - hold - release) <= 0.1 * (hold + release))
      report(
        "depth \(reductions[95_000]), onset \(Double(onset) / 48) of \(attack) ms, hold \(Double(ending) / 48) of \(hold), "
          + "back \(Double(back) / 48) of \(hold + release)")
    }
  }

  /// Syllables do not pump.
  @Test func syllablesDoNotPump() {
    let voice = Self.voice(seconds: 3, of: 4) { max(0, sin(2 * .pi * 4 * $0)) }
    let reductions = Self.reductions(Self.music(4).ducked(by: voice))[60_000..<180_000]
    report("ripple \(reductions.max()! - reductions.min()!) dB")
    #expect(reductions.max()! - reductions.min()! < 0.5)
  }

  @Test func quietKeysDoNothing() {
    let noise = HardSound.pink.sound(rate: 48_000, seconds: 1).prefix(channels: 2)
    let key = Sound.sine(300, decibels: -41, seconds: 1)
    #expect(noise.ducked(by: key, lookahead: .milliseconds(5)) == noise.later(by: 240))
    var settings = Ducker.Settings()
    settings.lowest = 200
    settings.highest = 5000
    #expect(noise.ducked(by: key, settings) == noise)
  }

  @Test func onlyTheBandIsTurnedDown() {
    var settings = Ducker.Settings()
    settings.lowest = 200
    settings.highest = 5000
    let key = Self.voice(seconds: 3, of: 4)
    for (hertz, expected) in [(30.0, 0.0), (1000, 12), (18_000, 0)] {
      let output = Sound.sine(hertz, decibels: -10, seconds: 4).ducked(by: key, settings)
      let residue = ToneResidue(output.channels[0][96_000..<180_000], hertz: hertz)
      report("\(hertz) Hz: \(-10 - decibels(residue.amplitude)) dB")
      #expect(abs(-10 - decibels(residue.amplitude) - expected) < 0.8)
    }
  }

  @Test func soundIsNotItsOwnKey() {
    var ducker = Ducker(rate: .codec, channels: 2, keyChannels: 1)
    var sound = Sound.sine(300, decibels: 0, channels: 2, seconds: 0.5)
    let before = sound
    sound.process(blocks: [64]) { planes, _, count in
      let done = ducker.process(planes, key: planes + 1, frames: count)
      #expect(!done)
    }
    #expect(sound == before)
  }

  @Test func blocksChangeNothing() {
    let noise = HardSound.pink.sound(rate: 48_000, seconds: 2).prefix(channels: 2)
    var settings = Ducker.Settings()
    settings.highest = 3000
    let key = Self.voice(seconds: 0.3, of: 2)
    let whole = noise.ducked(by: key, settings, lookahead: .milliseconds(3), blocks: [noise.frames])
    for blocks in Sound.cuts {
      #expect(noise.ducked(by: key, settings, lookahead: .milliseconds(3), blocks: blocks) == whole)
    }
  }

  @Test func settingsChangeWithoutAClick() {
    let key = Sound.sine(300, decibels: -10, seconds: 2)
    let changes: [(String, (inout Ducker.Settings) -> Void)] = [
      ("depth", { $0.depth = 3 }), ("threshold", { $0.threshold = 0 }), ("release", { $0.release = .milliseconds(50) }),
    ]
    for (name, change) in changes {
      let output = Sound.sine(100, decibels: -20, seconds: 2).ducked(by: key, blocks: [64]) { place, settings in
        if (30_000..<60_000).contains(place) { change(&settings) }
      }
      output.slice(20_000..<96_000).expectNoClick(name)
    }
  }
}
