import AudioCore
import Glibc

/// Gains with the least error in the logarithm of the amplitude of speech in noise, weighted with how likely there is
/// speech at all (OM-LSA). The ratio of speech to noise is decided with the frame before in mind.
/// Thread: render, but for its life.
struct SpeechGain: ~Copyable {
  private let bins: Int
  private let memory: UnsafeMutablePointer<Float>
  /// How likely each bin has speech.
  let presence: UnsafeMutablePointer<Float>
  /// What each bin is to be multiplied by.
  let gains: UnsafeMutablePointer<Float>
  /// Ratio of speech to noise that the frame before was left with.
  private let carried: UnsafeMutablePointer<Float>
  private let prior: UnsafeMutablePointer<Float>
  private let post: UnsafeMutablePointer<Float>
  private let logPrior: UnsafeMutablePointer<Float>
  private let logPost: UnsafeMutablePointer<Float>
  private let power: UnsafeMutablePointer<Float>
  /// Half the exponential integral, in octaves, over the logarithm of where it is taken.
  private let integral: UnsafeMutablePointer<Float>

  private static var lowest: Float { @_noLocks get { -20 } }
  private static var perOctave: Float { @_noLocks get { 8 } }
  private static var points: Int { @_noLocks get { 208 } }
  /// −22 dB: less is speckles of noise.
  private static var leastPrior: Float { @_noLocks get { 0.0063 } }
  private static var mostRatio: Float { @_noLocks get { 1e5 } }

  init(bins: Int) {
    self.bins = bins
    let stride = (bins + 16) / 16 * 16
    memory = .allocate(capacity: 8 * stride)
    memory.initialize(repeating: 0, count: 8 * stride)
    (presence, gains, carried, prior) = (memory, memory + stride, memory + 2 * stride, memory + 3 * stride)
    (post, logPrior, logPost, power) = (
      memory + 4 * stride, memory + 5 * stride, memory + 6 * stride, memory + 7 * stride
    )
    integral = .allocate(capacity: Self.points + 1)
    for point in 0...Self.points {
      let place = exp2(Double(Self.lowest) + Double(point) / Double(Self.perOctave))
      (integral + point).initialize(to: Float(Self.exponentialIntegral(place) / 2 / log(2)))
    }
    reset()
  }

  deinit {
    memory.deallocate()
    integral.deallocate()
  }

  /// The integral of exp(−t)/t from `x` on.
  private static func exponentialIntegral(_ x: Double) -> Double {
    if x < 1 {
      var (sum, term) = (-0.5772156649015329 - log(x), 1.0)
      for n in 1...30 {
        term *= -x / Double(n)
        sum -= term / Double(n)
      }
      return sum
    }
    var fraction = 0.0
    for n in stride(from: 60, through: 1, by: -1) { fraction = Double(n) / (1 + Double(n) / (x + fraction)) }
    return exp(-x) / (x + fraction)
  }

  @_noLocks
  mutating func reset() {
    for bin in 0..<bins {
      carried[bin] = 0
      gains[bin] = 1
    }
  }

  /// Gains for a frame's power; `floor` is the least, in octaves.
  @_noLocks
  mutating func decide(
    _ heard: UnsafePointer<Float>, noise: UnsafePointer<Float>, absence: UnsafePointer<Float>, floor: Float
  ) {
    for bin in 0..<bins {
      let ratio = heard[bin] / noise[bin]
      let after = ratio < Self.mostRatio ? ratio : Self.mostRatio
      let surplus = after > 1 ? after - 1 : 0
      let before = 0.95 * carried[bin] + 0.05 * surplus
      post[bin] = after
      prior[bin] = before > Self.leastPrior ? before : Self.leastPrior
      logPost[bin] = after
      logPrior[bin] = prior[bin] / (1 + prior[bin])
    }
    DynamicsBlock.logarithms(of: logPost, scale: 1, frames: bins)
    // Of the Wiener gain.
    DynamicsBlock.logarithms(of: logPrior, scale: 1, frames: bins)
    for bin in 0..<bins {
      // exp(−v).
      power[bin] = -1.442695 * post[bin] * (prior[bin] / (1 + prior[bin]))
    }
    DynamicsBlock.powers(of: power, frames: bins)
    for bin in 0..<bins {
      let place = (logPost[bin] + logPrior[bin] - Self.lowest) * Self.perOctave
      let last = Float(Self.points) - 0.01
      let bounded = place > 0 ? (place < last ? place : last) : 0
      let index = Int(bounded)
      let rest = bounded - Float(index)
      let more = integral[index] + rest * (integral[index &+ 1] - integral[index])
      let loud = logPrior[bin] + more
      logPrior[bin] = loud < 0 ? loud : 0
    }
    for bin in 0..<bins {
      let away = absence[bin] < 0.98 ? absence[bin] : 0.98
      let likely = 1 / (1 + away / (1 - away) * (1 + prior[bin]) * power[bin])
      presence[bin] = likely
      let speech = logPrior[bin] > floor ? logPrior[bin] : floor
      gains[bin] = likely * speech + (1 - likely) * floor
    }
    DynamicsBlock.powers(of: logPrior, frames: bins)
    DynamicsBlock.powers(of: gains, frames: bins)
    for bin in 0..<bins { carried[bin] = logPrior[bin] * logPrior[bin] * post[bin] }
  }
}
