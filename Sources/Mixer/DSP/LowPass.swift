import Glibc

/// A Butterworth low pass of the second order for one channel, with a gain: what of the low frequencies' channel is passed.
/// Thread: render, but for its life.
struct LowPass {
  private let b0: Double
  private let a1: Double
  private let a2: Double
  private var s1 = 0.0
  private var s2 = 0.0

  init(frequency: Double, gain: Double, rate: Double) {
    let k = tan(.pi * min(frequency / rate, 0.45))
    let norm = 1 / (1 + 2.0.squareRoot() * k + k * k)
    b0 = gain * k * k * norm
    a1 = 2 * (k * k - 1) * norm
    a2 = (1 - 2.0.squareRoot() * k + k * k) * norm
  }

  /// In place; of numbers only.
  @_noLocks
  mutating func process(_ samples: UnsafeMutablePointer<Float>, frames: Int) {
    var (first, second) = (s1, s2)
    for frame in 0..<frames {
      let x = Double(samples[frame]) * b0
      let y = x + first
      first = 2 * x - a1 * y + second
      second = x - a2 * y
      // Long before it would be too small a number.
      if first.magnitude < 1e-30 { first = 0 }
      if second.magnitude < 1e-30 { second = 0 }
      samples[frame] = y.magnitude < 1e-30 ? 0 : Float(y)
    }
    (s1, s2) = (first, second)
  }
}
