import AudioCore

/// Turns down what a filter has left of an echo, bin by bin: as far as it is expected to be there.
/// Thread: render, but for its life.
struct EchoSuppressor: ~Copyable {
  private let bins: Int
  private let memory: UnsafeMutablePointer<Float>
  /// What each bin is to be multiplied by.
  let gains: UnsafeMutablePointer<Float>
  /// Ratio of near end to echo that the window before was left with.
  private let carried: UnsafeMutablePointer<Float>
  let echo: UnsafeMutablePointer<Float>

  init(bins: Int) {
    self.bins = bins
    let stride = (bins + 15) / 16 * 16
    memory = .allocate(capacity: 3 * stride)
    memory.initialize(repeating: 0, count: 3 * stride)
    (gains, carried, echo) = (memory, memory + stride, memory + 2 * stride)
  }

  deinit { memory.deallocate() }

  @_noLocks
  mutating func reset() {
    renderZero(carried, floats: bins)
    renderZero(echo, floats: bins)
  }

  /// Gains for a window of which this much is expected to be echo; `floor` is the least of them.
  @_noLocks
  mutating func decide(
    _ real: UnsafePointer<Float>, _ imaginary: UnsafePointer<Float>, expected: UnsafePointer<Float>, floor: Float
  ) {
    for bin in 0..<bins {
      let faded = 0.7 * echo[bin]
      echo[bin] = expected[bin] > faded ? expected[bin] : faded
      let power = real[bin] * real[bin] + imaginary[bin] * imaginary[bin]
      let ratio = power / (echo[bin] + 1e-12)
      let surplus = ratio > 1 ? ratio - 1 : 0
      let prior = 0.8 * carried[bin] / (echo[bin] + 1e-12) + 0.2 * surplus
      let wiener = prior / (1 + prior)
      let gain = echo[bin] > 1e-9 ? (wiener > floor ? wiener : floor) : 1
      gains[bin] = gain
      carried[bin] = gain * gain * power
    }
  }
}
