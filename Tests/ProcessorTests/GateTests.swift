import AudioCore
import Glibc
import Mixer
import Testing

@Suite struct GateTests {
  static func settings(range: Double = 40) -> Gate.Settings {
    var settings = Gate.Settings()
    settings.threshold = -40
    settings.hysteresis = 4
    settings.attack = .milliseconds(1)
    settings.hold = .milliseconds(50)
    settings.release = .milliseconds(100)
    settings.range = range
    return settings
  }

  /// The level of a tone that rises, and falls, by a decibel a second where the gate changes its mind.
  @Test(arguments: [(LevelDetector.peak, 0.0), (.rms(window: .milliseconds(20)), 3.0103)])
  func thresholds(detector: LevelDetector, offset: Double) {
    for hertz in [100, 997, 10_000.0] {
      var gate = Gate(rate: .codec, channels: 1, detector: detector, settings: Self.settings())
      let level = { (time: Double) in (time < 10 ? -47 + time : -37 - (time - 10)) + offset }
      var sound = Sound(seconds: 20) { _, time in amplitude(level(time)) * sin(2 * .pi * hertz * time) }
      var changes: [Double] = []
      var open = false
      sound.process(blocks: [48]) { planes, place, count in
        gate.process(planes, frames: count)
        if gate.isOpen != open { changes.append(level(Double(place) / 48_000) - offset) }
        open = gate.isOpen
      }
      #expect(changes.count == 2)
      report("\(hertz) Hz: opens at \(changes.first ?? 0), closes at \(changes.last ?? 0)")
      #expect(abs((changes.first ?? 0) + 40) <= 0.2)
      #expect(abs((changes.last ?? 0) + 44) <= 0.2)
    }
  }

  @Test func noChatterAroundTheThreshold() {
    for detector in [LevelDetector.peak, .rms(window: .milliseconds(10))] {
      for rate in [1, 3, 7.0] {
        var gate = Gate(rate: .codec, channels: 1, detector: detector, settings: Self.settings())
        let offset = detector == .peak ? 0 : 3.0103
        var sound = Sound(seconds: 4) { _, time in
          amplitude(-40 + offset + 2 * sin(2 * .pi * rate * time)) * sin(2 * .pi * 300 * time)
        }
        var changes = 0
        var open = false
        sound.process(blocks: [1]) { planes, _, count in
          gate.process(planes, frames: count)
          changes += gate.isOpen == open ? 0 : 1
          open = gate.isOpen
        }
        #expect(changes == 1)
      }
    }
  }

  @Test(arguments: [6, 20, 40, 80.0]) func closedIsTheRange(range: Double) {
    let output = Sound.steps([(-50, 2)]).gated(Self.settings(range: range)).channels[0]
    #expect(abs(decibels(output.last!) + 50 + range) <= 0.1)
    // From the first frame on.
    #expect(abs(decibels(output[0]) + 50 + range) <= 0.1)
  }

  @Test func timesAreWhatTheySay() {
    for (attack, hold, release) in [(0.1, 5, 20.0), (1, 50, 100), (5, 300, 500), (1, 0, 50)] {
      var settings = Self.settings()
      settings.attack = .microseconds(Int64(attack * 1000))
      settings.hold = .milliseconds(Int64(hold))
      settings.release = .milliseconds(Int64(release))
      let output = Sound.steps([(-60, 0.2), (-20, 0.2), (-60, 3)]).gated(settings).channels[0]
      let opening = output[9600...].firstIndex { decibels($0) + 20 >= -40 * exp(-1) }! - 9600 + 1
      #expect(abs(Double(opening) - 48 * attack) <= 48 * max(0.1 * attack, 0.03), "attack \(Double(opening) / 48)")
      let closing = output[19_200...].firstIndex { decibels($0) + 60 < -0.01 }! - 19_200
      #expect(abs(Double(closing) / 48 - Double(hold)) <= max(0.1 * Double(hold), 1), "hold \(Double(closing) / 48)")
      let closed = output[19_200...].firstIndex { decibels($0) + 60 <= -40 * (1 - exp(-1)) }! - 19_200
      #expect(abs(Double(closed - closing) / 48 - release) <= max(0.1 * release, 1), "release \(Double(closed) / 48)")
      report(
        "attack \(attack): \(Double(opening) / 48), hold \(hold): \(Double(closing) / 48), release \(release): "
          + "\(Double(closed - closing) / 48) ms")
    }
  }

  /// The beginning of a word is there, but for less than a millisecond.
  @Test func onsetIsKept() {
    let word = Sound(seconds: 0.5) { _, time in
      time < 0.2 ? 0 : 0.2 * min((time - 0.2) / 0.005, 1) * sin(2 * .pi * 180 * time)
    }
    let output = word.gated(Self.settings(range: 60), lookahead: .milliseconds(5)).channels[0]
    let input = word.later(by: 240).channels[0]
    let audible = input.firstIndex { abs($0) > 0.01 }!
    // From there on within a decibel.
    let kept = (audible..<input.count).last { abs(input[$0]) > 1e-4 && abs(output[$0]) < 0.89 * abs(input[$0]) } ?? 0
    report("onset: \(Double(kept - audible) / 48) ms lost")
    #expect(kept - audible <= 48)
    #expect(output[20_000...] == input[20_000...])
  }

  @Test func openIsExact() {
    let noise = HardSound.pink.sound(rate: 48_000, seconds: 1).prefix(channels: 2)
    let output = noise.gated(Self.settings(), lookahead: .milliseconds(2))
    #expect(output.slice(12_000..<48_000) == noise.later(by: 96).slice(12_000..<48_000))
  }

  @Test func blocksChangeNothing() {
    var settings = Self.settings()
    settings.threshold = -6
    settings.hold = .milliseconds(20)
    settings.sideChainHighPass = 200
    let drums = HardSound.drums.sound(rate: 48_000, seconds: 1).prefix(channels: 2)
    for detector in [LevelDetector.peak, .rms(window: .milliseconds(5))] {
      let whole = drums.gated(settings, detector: detector, lookahead: .milliseconds(1), blocks: [drums.frames])
      #expect(whole != drums.later(by: 48))
      for blocks in Sound.cuts {
        #expect(drums.gated(settings, detector: detector, lookahead: .milliseconds(1), blocks: blocks) == whole)
      }
    }
  }

  @Test func settingsChangeWithoutAClick() {
    let changes: [(String, (inout Gate.Settings) -> Void)] = [
      ("threshold", { $0.threshold = -10 }), ("range", { $0.range = 10 }), ("hysteresis", { $0.hysteresis = 0 }),
      ("release", { $0.release = .milliseconds(20) }), ("low-pass", { $0.sideChainLowPass = 20 }),
    ]
    for (name, change) in changes {
      var output = Sound.sine(100, decibels: -20, seconds: 2)
      var gate = Gate(rate: .codec, channels: 1, settings: Self.settings())
      output.process(blocks: [64]) { planes, place, count in
        var settings = Self.settings()
        if (30_000..<50_000).contains(place) { change(&settings) }
        gate.apply(settings)
        gate.process(planes, frames: count)
      }
      // It begins closed, and opens on purpose.
      output.slice(10_000..<96_000).expectNoClick(name)
    }
  }
}
