import AudioCore
import CRenderGuard
import Glibc
import Testing

@testable import Mixer

private let stereo = StreamFormat(rate: .codec, layout: .stereo)

private func equalized(
  _ sound: TestSound, _ bands: [EqualizerBand], preamp: Double = 0, block: Int = 512
) -> TestSound {
  var sound = sound
  let rate = SampleRate(hertz: sound.rate)
  var equalizer = Equalizer(format: StreamFormat(rate: rate, layout: ChannelLayout(channels: sound.channels.count)!))
  equalizer.aim(EqualizerCurve(bands: bands, preamp: Decibels(preamp), rate: rate))
  equalizer.reset()
  sound.render(block: block) { equalizer.process($0, frames: $1) }
  return sound
}

/// The response of what an impulse of half a second left, at a frequency.
private func response(_ impulse: [Float], at hertz: Double, rate: Int) -> (decibels: Double, degrees: Double) {
  var (real, imaginary) = (0.0, 0.0)
  let turn = 2 * Double.pi * hertz / Double(rate)
  for (index, sample) in impulse.enumerated() where sample != 0 {
    real += Double(sample) * cos(turn * Double(index))
    imaginary -= Double(sample) * sin(turn * Double(index))
  }
  return (10 * log10(real * real + imaginary * imaginary), atan2(imaginary, real) * 180 / .pi)
}

@Suite struct EqualizerTests {
  private static let impulse: TestSound = {
    var sound = TestSound(silence: 1, channels: 1)
    sound.channels[0][0] = 1
    return sound
  }()

  /// What runs against the formula: magnitude within 0.01 dB, phase within half a degree.
  @Test(arguments: FilterKind.allCases) func responseIsTheFormula(kind: FilterKind) {
    for (frequency, q, gain) in [(60.0, 0.7, 9.0), (1000, 3, -12), (9000, 1, 6), (16_000, 0.7, -6)] {
      for design in [FilterDesign.bilinear, .matched] {
        let shape = FilterShape(kind, frequency: frequency, q: q, gain: Decibels(gain))
        let coefficients = shape.coefficients(at: .codec, design: design)
        #expect(coefficients.isStable)
        let heard = equalized(Self.impulse, [EqualizerBand(shape, design: design)]).channels[0]
        for hertz in [20.0, 50, 100, 440, 1000, 3000, 8000, 12_000, 16_000, 20_000, 21_600] {
          let (real, imaginary) = coefficients.response(at: hertz, rate: .codec)
          let expected = 10 * log10(real * real + imaginary * imaginary)
          guard expected > -60 else { continue }
          let (decibels, degrees) = response(heard, at: hertz, rate: 48_000)
          #expect(abs(decibels - expected) < 0.01, "\(shape) \(design) \(hertz)")
          let turn = degrees - atan2(imaginary, real) * 180 / .pi
          #expect(abs(turn - 360 * (turn / 360).rounded()) < 0.5, "\(shape) \(design) \(hertz)")
        }
      }
    }
  }

  /// The published cookbook formulas, computed here another way.
  @Test func bilinearIsTheCookbook() {
    for (frequency, q, gain) in [(100.0, 0.5, 6.0), (3000, 2, -9), (15_000, 0.8, 12)] {
      let w = 2 * Double.pi * frequency / 48_000
      let (c, alpha, a) = (cos(w), sin(w) / (2 * q), pow(10, gain / 40))
      func check(_ kind: FilterKind, _ b: [Double], _ d: [Double]) {
        let found = FilterShape(kind, frequency: frequency, q: q, gain: Decibels(gain)).coefficients(at: .codec)
        let expected = [b[0] / d[0], b[1] / d[0], b[2] / d[0], d[1] / d[0], d[2] / d[0]]
        for (x, y) in zip([found.b0, found.b1, found.b2, found.a1, found.a2], expected) {
          #expect(abs(x - y) < 1e-9, "\(kind) \(frequency)")
        }
      }
      let d = [1 + alpha, -2 * c, 1 - alpha]
      check(.peak, [1 + alpha * a, -2 * c, 1 - alpha * a], [1 + alpha / a, -2 * c, 1 - alpha / a])
      check(.lowPass, [(1 - c) / 2, 1 - c, (1 - c) / 2], d)
      check(.highPass, [(1 + c) / 2, -1 - c, (1 + c) / 2], d)
      check(.bandPass, [alpha, 0, -alpha], d)
      check(.notch, [1, -2 * c, 1], d)
      check(.allPass, [1 - alpha, -2 * c, 1 + alpha], d)
      let r = 2 * a.squareRoot() * alpha
      check(
        .lowShelf, [a * (a + 1 - (a - 1) * c + r), 2 * a * (a - 1 - (a + 1) * c), a * (a + 1 - (a - 1) * c - r)],
        [a + 1 + (a - 1) * c + r, -2 * (a - 1 + (a + 1) * c), a + 1 + (a - 1) * c - r])
      check(
        .highShelf, [a * (a + 1 + (a - 1) * c + r), -2 * a * (a - 1 + (a + 1) * c), a * (a + 1 + (a - 1) * c - r)],
        [a + 1 - (a - 1) * c + r, 2 * (a - 1 - (a + 1) * c), a + 1 - (a - 1) * c - r])
    }
  }

  /// The digital filter is the analogue one up to 0.4 of the rate.
  @Test(arguments: [44_100, 48_000]) func matchedIsTheAnalogueFilter(rate: Int) {
    var worst = (0.0, "")
    var worstBilinear = 0.0
    for kind in [FilterKind.peak, .lowShelf, .highShelf, .lowPass, .highPass, .lowShelfGentle, .highShelfGentle, .tilt]
    {
      for frequency in [30.0, 120, 1000, 4000, 8000, 10_000, 12_500, 16_000, 18_000] {
        for q in kind == .peak ? [0.4, 1, 2, 5] : kind == .highPass ? [0.5, 0.707, 1.5] : [0.5, 0.707, 1] {
          for gain in kind.hasGain ? [-18.0, -6, 3, 12] : [0] {
            let shape = FilterShape(kind, frequency: frequency, q: q, gain: Decibels(gain))
            let own = shape.coefficients(at: SampleRate(hertz: rate), design: .matched)
            let plain = shape.coefficients(at: SampleRate(hertz: rate))
            for step in 0..<60 {
              let hertz = 20 * pow(0.4 * Double(rate) / 20, Double(step) / 59)
              let truth = 10 * log10(shape.analoguePower(at: hertz))
              guard truth > -36 else { continue }
              let error = abs(own.gain(at: hertz, rate: SampleRate(hertz: rate)).value - truth)
              if error > worst.0 { worst = (error, "\(shape) at \(hertz)") }
              worstBilinear = max(
                worstBilinear, abs(plain.gain(at: hertz, rate: SampleRate(hertz: rate)).value - truth))
            }
          }
        }
      }
    }
    #expect(worst.0 < 0.3, "\(worst)")
    #expect(worstBilinear > 3)
  }

  @Test func crossoverAddsUp() {
    let crossover = Crossover(frequency: 2000, rate: .codec)
    for hertz in [20.0, 300, 1500, 2000, 2500, 9000, 20_000] {
      func squared(_ x: BiquadCoefficients) -> (Double, Double) {
        let (r, i) = x.response(at: hertz, rate: .codec)
        return (r * r - i * i, 2 * r * i)
      }
      let (low, high, sum) = (
        squared(crossover.low), squared(crossover.high), crossover.sum.response(at: hertz, rate: .codec)
      )
      #expect(abs(low.0 + high.0 - sum.real) < 1e-9 && abs(low.1 + high.1 - sum.imaginary) < 1e-9)
    }
    #expect(abs(crossover.low.gain(at: 2000, rate: .codec).value + 3.0103) < 0.001)
  }

  /// 20 Hz, Q 10: against the same filter in twice the precision.
  @Test func lowNarrowBandsMakeNoNoise() {
    let shape = FilterShape(.peak, frequency: 20, q: 10, gain: Decibels(12))
    let sound = TestSound(noise: -20, seconds: 4, channels: 1)
    let heard = equalized(sound, [EqualizerBand(shape, design: .bilinear)]).channels[0]
    let c = shape.coefficients(at: .codec)
    let (b0, b1, b2, a1, a2) = (Float80(c.b0), Float80(c.b1), Float80(c.b2), Float80(c.a1), Float80(c.a2))
    var (s1, s2): (Float80, Float80) = (0, 0)
    var noise = 0.0
    for (x, y) in zip(sound.channels[0], heard) {
      let input = Float80(x)
      let truth = b0 * input + s1
      s1 = b1 * input - a1 * truth + s2
      s2 = b2 * input - a2 * truth
      noise += Double(Float80(y) - truth) * Double(Float80(y) - truth)
    }
    let level = 10 * log10(noise / Double(heard.count))
    #expect(level < -130, "\(level)")
  }

  @Test func neutralIsBitExact() {
    let sound = TestSound(noise: -3, seconds: 0.5, channels: 6)
    #expect(equalized(sound, []).channels == sound.channels)
    var bands = FilterKind.allCases.filter(\.hasGain).map { EqualizerBand(FilterShape($0, frequency: 3000)) }
    bands += FilterKind.allCases.map {
      EqualizerBand(FilterShape($0, frequency: 500, gain: Decibels(9)), isEnabled: false)
    }
    #expect(equalized(sound, bands).channels == sound.channels)
  }

  /// Also after something else: once it has died away, not before it is silent.
  @Test func becomesBitExactAgain() {
    var equalizer = Equalizer(format: stereo)
    let bands = [
      EqualizerBand(FilterShape(.peak, frequency: 300, q: 4, gain: Decibels(12))),
      EqualizerBand(FilterShape(.highPass, frequency: 80)),
    ]
    equalizer.aim(EqualizerCurve(bands: bands, preamp: Decibels(-6), rate: .codec))
    let sound = TestSound(noise: -20, seconds: 2, channels: 2)
    var heard = sound
    heard.render { equalizer.process($0, frames: $1) }
    #expect(heard.channels != sound.channels)
    equalizer.aim(EqualizerCurve())
    heard = sound
    heard.render { equalizer.process($0, frames: $1) }
    #expect(heard.channels[0][..<400] != sound.channels[0][..<400])
    heard = sound
    heard.render { equalizer.process($0, frames: $1) }
    #expect(heard.channels == sound.channels)
  }

  @Test func bandsForSomeChannels() {
    let sound = TestSound(noise: -20, seconds: 0.3, channels: 6)
    let shape = FilterShape(.peak, frequency: 1000, gain: Decibels(6))
    let some = equalized(sound, [EqualizerBand(shape, channels: 0b010010)])
    let all = equalized(sound, [EqualizerBand(shape)])
    for channel in 0..<6 {
      let isIn = channel == 1 || channel == 4
      #expect(some.channels[channel] == (isIn ? all : sound).channels[channel])
    }
  }

  @Test func blocksDoNotMatter() {
    for channels in [1, 2, 6, 8] {
      let sound = TestSound(noise: -20, seconds: 0.25, channels: channels)
      func heard(_ block: Int) -> [[Float]] {
        var equalizer = Equalizer(format: StreamFormat(rate: .codec, layout: ChannelLayout(channels: channels)!))
        var out = sound
        var at = 0
        // Curves change at the same frames however blocks are cut.
        let curves = (0..<5).map { round in
          EqualizerCurve(
            bands: (0..<round * 2).map {
              EqualizerBand(
                FilterShape(.peak, frequency: 100 * pow(2, Double($0)), q: 2, gain: Decibels(Double(round - 2) * 4)))
            }, preamp: Decibels(Double(-round)), rate: .codec)
        }
        for (index, curve) in curves.enumerated() {
          equalizer.aim(curve)
          var part = TestSound(channels: sound.channels.map { Array($0[index * 2400..<(index + 1) * 2400]) })
          part.render(block: block) { equalizer.process($0, frames: $1) }
          for channel in 0..<channels {
            out.channels[channel].replaceSubrange(at..<at + 2400, with: part.channels[channel])
          }
          at += 2400
        }
        return out.channels
      }
      let whole = heard(2400)
      for block in [1, 64, 256, 1024, 7, 997] { #expect(heard(block) == whole, "\(channels) \(block)") }
    }
  }

  /// The kernel for machines that can do more makes the very same bits, while bands glide too.
  @Test func wideIsTheSame() {
    #expect(MemoryLayout<EqualizerLanes>.offset(of: \.s1) == EqualizerLanes.stateOffset)
    #expect(MemoryLayout<EqualizerLanes>.offset(of: \.s2) == EqualizerLanes.stateOffset + 16)
    #expect(MemoryLayout<EqualizerLanes>.offset(of: \.now.c2) == 64)
    for channels in [6, 8] {
      for count in 1...9 {
        let format = StreamFormat(rate: .codec, layout: ChannelLayout(channels: channels)!)
        let curve = EqualizerCurve(
          bands: (0..<count).map {
            EqualizerBand(
              FilterShape(.peak, frequency: 90 * exp2(Double($0)), q: 2, gain: Decibels(6)),
              channels: $0 == 2 ? 0b101 : .max)
          }, rate: .codec)
        func heard(_ wide: Bool) -> [[Float]] {
          var equalizer = Equalizer(format: format, allowsWide: wide)
          equalizer.aim(curve)
          var sound = TestSound(noise: -20, seconds: 0.1, channels: channels)
          sound.render(block: 300) { equalizer.process($0, frames: $1) }
          return sound.channels
        }
        #expect(heard(true) == heard(false), "\(channels) \(count)")
      }
    }
  }

  /// No change is a step: not of a gain, a frequency, a kind, nor of how many bands there are.
  @Test func changesDoNotClick() {
    func peak(_ frequency: Double, _ gain: Double, _ kind: FilterKind = .peak) -> EqualizerBand {
      EqualizerBand(FilterShape(kind, frequency: frequency, q: 1, gain: Decibels(gain)))
    }
    let changes: [(from: [EqualizerBand], to: [EqualizerBand])] = [
      ([peak(100, 12)], [peak(100, -12)]), ([peak(60, 12)], [peak(8000, 12)]), ([], [peak(100, 12), peak(3000, -9)]),
      ([peak(100, 12), peak(50, 6)], []), ([peak(1000, 6)], [peak(1000, 6, .highPass)]),
      ([peak(200, 6, .lowShelf)], [peak(200, 6, .notch)]), ([peak(20, 12)], [peak(20, -12)]),
    ]
    for (index, change) in changes.enumerated() {
      var equalizer = Equalizer(format: StreamFormat(rate: .codec, layout: .mono))
      equalizer.aim(EqualizerCurve(bands: change.from, rate: .codec))
      equalizer.reset()
      var sound = TestSound(sine: 100, level: -20, seconds: 1, channels: 1)
      var at = 0
      sound.render(block: 480) { planes, frames in
        if at == 24_000 {
          render_guard_count_apart(1)
          equalizer.aim(EqualizerCurve(bands: change.to, rate: .codec))
          render_guard_count_apart(0)
        }
        equalizer.process(planes, frames: frames)
        at += frames
      }
      let plane = sound.channels[0]
      let step = zip(plane, plane.dropFirst()).map { abs($0 - $1) }.max()!
      #expect(step < 0.02, "change \(index): \(step)")
    }
  }

  /// A band that sweeps ten octaves a second: nothing above what the band itself gives.
  @Test func sweepsStayWithinTheResponse() {
    for tone in [100.0, 440, 3000] {
      var equalizer = Equalizer(format: StreamFormat(rate: .codec, layout: .mono))
      var sound = TestSound(sine: tone, level: -20, seconds: 1.2, channels: 1)
      var at = 0
      sound.render(block: 64) { planes, frames in
        let octave = 10 * Double(at) / 48_000
        let shape = FilterShape(.peak, frequency: min(20 * exp2(octave), 20_000), q: 2, gain: Decibels(12))
        render_guard_count_apart(1)
        equalizer.aim(EqualizerCurve(bands: [EqualizerBand(shape)], rate: .codec))
        render_guard_count_apart(0)
        equalizer.process(planes, frames: frames)
        at += frames
      }
      let highest = Decibels(amplitude: Double(sound.channels[0].map { abs($0) }.max()!)).value
      #expect(highest < -20 + 12.5 && highest > -20 + 6, "\(tone): \(highest)")
    }
  }

  @Test func recoversFromGarbage() {
    var sound = TestSound(noise: -20, seconds: 1, channels: 2)
    for frame in 1000..<1100 {
      sound.channels[0][frame] = frame % 2 == 0 ? .nan : .infinity
      sound.channels[1][frame] = frame % 2 == 0 ? 3.4e38 : -3.4e38
    }
    let clean = equalized(TestSound(noise: -20, seconds: 1, channels: 2), [])
    let heard = equalized(sound, [EqualizerBand(FilterShape(.peak, frequency: 2000, gain: Decibels(12)))])
    #expect(heard.channels.allSatisfy { $0.allSatisfy(\.isFinite) })
    #expect(heard.channels[0].suffix(24_000).map { abs($0) }.max()! < 2)
    #expect(equalized(sound, []).channels[1] == sound.channels[1])
    #expect(equalized(sound, []).channels[0].suffix(40_000) == clean.channels[0].suffix(40_000))
  }

  /// Curves that swap faster than they are reached, each with all the gain there is, and the loudest of samples: what no
  /// number can hold is let go at once.
  @Test func recoversFromItself() {
    var random = TestRandom(seed: 21)
    let curves = (0..<12).map { _ in
      EqualizerCurve(
        bands: (0..<32).map { _ in
          let kind = [FilterKind.peak, .lowPass, .highShelf, .allPass, .lowShelf][Int(random.next() % 5)]
          return EqualizerBand(
            FilterShape(kind, frequency: 200 * exp2(4 * random.unit()), q: 100, gain: Decibels(60)), design: .bilinear)
        }, rate: .codec)
    }
    for layout in [ChannelLayout.stereo, .surround71] {
      var equalizer = Equalizer(format: StreamFormat(rate: .codec, layout: layout))
      var loud = TestSound(noise: 760, seconds: 2, channels: layout.count)
      var round = 0
      loud.render(block: 64) { planes, frames in
        equalizer.aim(curves[round % 12])
        equalizer.process(planes, frames: frames)
        round += 1
      }
      #expect(loud.channels.allSatisfy { $0.allSatisfy(\.isFinite) })
      equalizer.aim(EqualizerCurve(bands: [], preamp: Decibels(-60), rate: .codec))
      var quiet = TestSound(noise: -20, seconds: 8, channels: layout.count)
      quiet.render { equalizer.process($0, frames: $1) }
      #expect(quiet.channels.allSatisfy { $0.suffix(4800).allSatisfy { abs($0) < 0.001 } })
      #expect(quiet.channels.allSatisfy { $0.suffix(4800).contains { $0 != 0 } })
    }
  }

  /// Random curves and bits: numbers come out, and silence follows silence.
  @Test func anyCurveGivesNumbers() {
    var random = TestRandom(seed: 5)
    var equalizer = Equalizer(format: StreamFormat(rate: .codec, layout: .surround51))
    for _ in 0..<(isSoak ? 20_000 : 60) {
      let bands = (0..<Int(random.next() % 34)).map { _ in
        EqualizerBand(
          FilterShape(
            FilterKind.allCases[Int(random.next() % 13)], frequency: Double(bitPattern: random.next()),
            q: Double(bitPattern: random.next()), gain: Decibels(random.bipolar() * 70)),
          design: random.next() % 2 == 0 ? .matched : .bilinear, channels: UInt8(truncatingIfNeeded: random.next()))
      }
      equalizer.aim(EqualizerCurve(bands: bands, preamp: Decibels(random.bipolar() * 60), rate: .codec))
      var sound = TestSound(
        channels: (0..<6).map { _ in
          (0..<512).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: random.next())) }
        })
      sound.render(block: 100) { equalizer.process($0, frames: $1) }
      #expect(sound.channels.allSatisfy { $0.allSatisfy(\.isFinite) })
    }
    equalizer.aim(EqualizerCurve())
    equalizer.reset()
    var sound = TestSound(silence: 0.1, channels: 6)
    sound.render { equalizer.process($0, frames: $1) }
    #expect(sound.channels.allSatisfy { $0.allSatisfy { $0 == 0 } })
  }

  @Test(.enabled(if: render_guard_available() != 0)) func allocatesNothing() {
    var equalizer = Equalizer(format: stereo)
    let curves = [1, 5, 32, 0].map { count in
      EqualizerCurve(
        bands: (0..<count).map {
          EqualizerBand(FilterShape(.peak, frequency: 100 + 300 * Double($0), gain: Decibels(3)))
        },
        rate: .codec)
    }
    var sound = TestSound(noise: -20, seconds: 1, channels: 2)
    render_guard_count_apart(1)
    var block = 0
    sound.render(block: 64) { planes, frames in
      equalizer.aim(curves[block / 4 % 4])
      equalizer.process(planes, frames: frames)
      block += 1
    }
    #expect((0..<Int32(4)).map { render_guard_apart_hits_of($0) } == [0, 0, 0, 0])
    render_guard_count_apart(0)
  }
}
