import Glibc

/// Something like speech: pulses of a gliding pitch through formants that move from vowel to vowel, hisses between them,
/// four or five syllables a second, words of a second or two and pauses. The same for the same seed.
struct Voice {
  private static let vowels: [[Double]] = [
    [730, 1090, 2440, 3400], [530, 1840, 2480, 3500], [270, 2290, 3010, 3600], [570, 840, 2410, 3300],
    [300, 870, 2240, 3300], [640, 1190, 2390, 3400], [440, 1020, 2240, 3400], [490, 1350, 1690, 3300],
  ]
  private static let widths = [70.0, 90, 120, 180]

  /// A resonance of unit gain at its frequency.
  private struct Resonance {
    var (a, b) = (0.0, 0.0)
    mutating func step(_ x: Double, _ hertz: Double, _ width: Double, _ rate: Double) -> Double {
      let radius = exp(-.pi * width / rate)
      let turn = cos(2 * .pi * hertz / rate)
      let y = x * (1 - radius) * 2 + 2 * radius * turn * a - radius * radius * b
      (b, a) = (a, y)
      return y
    }
  }

  /// One channel; `level` is the RMS of all of it in dBFS.
  static func sound(seed: UInt64, level: Double = -24, seconds: Double, rate: Int = 48_000, pauses: Bool = true)
    -> Sound
  {
    var chance = Chance(seed &+ 99)
    let fs = Double(rate)
    let frames = Int(seconds * fs)
    var out = [Double](repeating: 0, count: frames)
    let pitch = 95 + 35 * Double(seed % 5)
    var (frame, phase, tilt, hiss) = (0, 0.0, 0.0, 0.0)
    var formants = vowels[0]
    var filters = [Resonance](repeating: Resonance(), count: 4)
    var high = Resonance()
    while frame < frames {
      for _ in 0..<5 + Int(chance.bits() % 4) {
        let length = Int((0.2 + 0.06 * chance.even()) * fs)
        let target = vowels[Int(chance.bits() % 8)]
        let stress = 0.6 + 0.4 * abs(chance.even())
        let consonant = chance.bits() % 3 == 0 ? Int(0.07 * fs) : 0
        // Lips close before some.
        if chance.bits() % 3 == 0 { frame += Int(0.06 * fs) }
        let hertz = 4500 + 1500 * chance.even()
        for step in 0..<length where frame < frames {
          let time = Double(step) / Double(length)
          let glide = 1 - exp(-Double(step) / (0.03 * fs))
          phase += pitch * (1.1 - 0.2 * time + 0.02 * sin(Double(frame) / fs * 31)) / fs
          var source = 0.0001 * chance.even()
          if phase >= 1 {
            phase -= 1
            source = 1
          }
          tilt = 0.97 * tilt + source
          var voiced = tilt * (step < consonant ? 0.05 : sin(.pi * time).squareRoot()) * stress
          for index in 0..<4 {
            formants[index] += (target[index] - formants[index]) * 0.002 * glide
            voiced += 0.9 * filters[index].step(voiced, formants[index], widths[index], fs)
          }
          hiss = high.step(chance.even(), hertz, 1500, fs)
          let edge = step < consonant ? sin(.pi * Double(step) / Double(consonant)) : 0
          out[frame] = voiced + 0.15 * hiss * edge * stress
          frame += 1
        }
      }
      if pauses { frame += Int((0.35 + 0.15 * chance.even()) * fs) }
    }
    // Without what is too low to be heard.
    var (before, slow) = (0.0, 0.0)
    for index in out.indices {
      let sample = out[index]
      slow = sample - before + (1 - 2 * .pi * 60 / fs) * slow
      before = sample
      out[index] = slow
    }
    let power = out.reduce(0) { $0 + $1 * $1 } / Double(frames)
    let gain = pow(10, level / 20) / power.squareRoot()
    return Sound(rate: rate, [out.map { Float($0 * gain) }])
  }

  /// Many at once, in a hall.
  static func babble(talkers: Int = 30, level: Double, seconds: Double, rate: Int = 48_000) -> Sound {
    let frames = Int(seconds * Double(rate))
    var sum = [Float](repeating: 0, count: frames)
    for talker in 0..<talkers {
      let one = sound(seed: UInt64(talker % 10) + 40, seconds: seconds, rate: rate)
      let start = talker * 17_771
      for frame in sum.indices { sum[frame] += one.channels[0][(frame + start) % frames] }
    }
    return Sound(rate: rate, [sum]).levelled(level)
  }
}

extension Sound {
  /// Power of the first channel in decibels.
  var meanLevel: Double { Self.meanLevel(channels[0][...]) }

  static func meanLevel(_ samples: ArraySlice<Float>) -> Double {
    10 * log10(max(samples.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(max(samples.count, 1)), 1e-30))
  }

  func levelled(_ level: Double) -> Sound { scaled(Float(amplitude(level - meanLevel))) }

  static func + (first: Sound, second: Sound) -> Sound {
    Sound(rate: first.rate, zip(first.channels, second.channels).map { zip($0, $1).map { $0 + $1 } })
  }
}
