import Glibc

/// What makes limiters fail, and each in eight different channels.
enum HardSound: String, CaseIterable {
  case white, whiteBelow20k, pink, clippedMusic, drums, impulses, square, quarterRate

  func sound(rate: Int, seconds: Double) -> Sound {
    let frames = Int(seconds * Double(rate))
    return Sound(rate: rate, (0..<8).map { channel in samples(channel, rate, frames) })
  }

  private func samples(_ channel: Int, _ rate: Int, _ frames: Int) -> [Float] {
    var chance = Chance(UInt64(channel) + 7)
    let fs = Double(rate)
    switch self {
    case .white: return (0..<frames).map { _ in Float(chance.normal()) }
    case .whiteBelow20k: return Self.below(20_000 / fs, (0..<frames).map { _ in Float(chance.normal()) })
    case .pink:
      var (a, b, c) = (0.0, 0.0, 0.0)
      let pink = (0..<frames).map { _ in
        let white = chance.normal()
        a = 0.99765 * a + white * 0.0990460
        b = 0.96300 * b + white * 0.2965164
        c = 0.57000 * c + white * 1.0526913
        return a + b + c + white * 0.1848
      }
      let power = pink.reduce(0) { $0 + $1 * $1 } / Double(frames)
      let gain = 2 / power.squareRoot()
      return pink.map { Float($0 * gain) }
    case .clippedMusic:
      var sum = (0..<frames).map { _ in 0.3 * chance.even() }
      for (index, root) in [55, 82.4, 110, 164.8, 220, 329.6, 440].enumerated() {
        for harmonic in 1...6 {
          // A sine by recursion.
          let step = 2 * .pi * root * (1 + 0.01 * Double(channel)) * Double(harmonic) / fs
          let phase = Double(index * harmonic)
          var (now, before) = (sin(phase), sin(phase - step))
          let (turn, gain) = (2 * cos(step), 0.5 / Double(harmonic))
          for frame in 0..<frames {
            sum[frame] += gain * now
            (now, before) = (turn * now - before, now)
          }
        }
      }
      return sum.enumerated().map { frame, value in
        Float(max(-1, min(1, 1.5 * value * (0.6 + 0.4 * sin(5 * Double(frame) / fs)))))
      }
    case .drums:
      return (0..<frames).map { frame in
        let since = (Double(frame) / fs + 0.03 * Double(channel)).truncatingRemainder(dividingBy: 0.25)
        return Float(2 * chance.normal() * exp(-since / 0.04))
      }
    case .impulses:
      let period = rate / 10 + 1
      return (0..<frames).map { frame in
        (frame + channel * 97) % period == period / 2 ? (frame / period % 2 == 0 ? 4 : -4) : 0
      }
    case .square:
      return (0..<frames).map { sin(2 * .pi * 1003 * Double($0) / fs + Double(channel)) >= 0 ? 1 : -1 }
    case .quarterRate:
      return (0..<frames).map { Float(2.8 * sin(.pi / 2 * Double($0 + channel) + .pi / 4)) }
    }
  }

  /// A low-pass with a transition of a few per cent of the rate.
  static func below(_ cutoff: Double, _ input: [Float]) -> [Float] {
    let half = 80
    let taps = (-half...half).map { tap -> Float in
      let time = Double(tap)
      let window = 0.42 + 0.5 * cos(.pi * time / Double(half + 1)) + 0.08 * cos(2 * .pi * time / Double(half + 1))
      return Float(window * (tap == 0 ? 2 * cutoff : sin(2 * .pi * cutoff * time) / (.pi * time)))
    }
    var output = [Float](repeating: 0, count: input.count)
    output.withUnsafeMutableBufferPointer { output in
      input.withUnsafeBufferPointer { input in
        for (index, weight) in taps.enumerated() {
          let first = max(0, index - half)
          let last = min(input.count, input.count + index - half)
          for frame in first..<last { output[frame + half - index] += weight * input[frame] }
        }
      }
    }
    return output
  }
}
