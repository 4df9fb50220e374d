import AudioCore

/// What dynamics do to whole blocks. Levels and gains are in octaves of amplitude, 6.02 dB each, which is what floats make
/// cheap. Each frame's result is its own: how a block is cut changes nothing.
/// Thread: any.
enum DynamicsBlock {
  /// One decibel in octaves.
  static var decibel: Double { @_noLocks get { 1 / 6.020599913279624 } }
  /// Below this nothing is told apart: −240 dB.
  static var floor: Float { @_noLocks get { 1e-12 } }

  /// Copies what is sound. What is none, or 120 dB above full scale, is silence.
  @_noLocks
  static func admit(_ from: UnsafePointer<Float>, into: UnsafeMutablePointer<Float>, frames: Int) {
    for frame in 0..<frames {
      let bits = from[frame].bitPattern
      into[frame] = Float(bitPattern: bits & 0x7fff_ffff > 0x4980_0000 ? 0 : bits)
    }
  }

  /// Raises `into` to the absolute values of the samples.
  @_noLocks
  static func raise(_ into: UnsafeMutablePointer<Float>, to samples: UnsafePointer<Float>, frames: Int) {
    for frame in 0..<frames {
      let level = samples[frame].magnitude
      into[frame] = level > into[frame] ? level : into[frame]
    }
  }

  /// To within three millionths. One is exactly zero.
  @_noLocks
  static func logarithms(of values: UnsafeMutablePointer<Float>, scale: Float, frames: Int) {
    for frame in 0..<frames {
      let value = values[frame] > floor ? values[frame] : floor
      let bits = Int32(bitPattern: value.bitPattern)
      // The mantissa lies around one: from the root of a half to the root of two.
      let exponent = (bits &- 0x3f35_04f3) &>> 23
      let mantissa = Float(bitPattern: UInt32(bitPattern: bits &- (exponent &<< 23)))
      let s = (mantissa - 1) / (mantissa + 1)
      let square = s * s
      let series = 2.8853900818 + square * (0.9617966939 + square * (0.5770780164 + square * 0.4121985831))
      values[frame] = (Float(exponent) + s * series) * scale
    }
  }

  /// Two to the power of each value, to within two ten-millionths. Zero, and what is nearer to it than a float can tell
  /// apart beside one, is exactly one.
  @_noLocks
  static func powers(of values: UnsafeMutablePointer<Float>, frames: Int) {
    let shift: Float = 12_582_912
    for frame in 0..<frames {
      var value = values[frame] > -120 ? values[frame] : -120
      value = value < 60 ? value : 60
      let rounded = value + shift
      let rest = value - (rounded - shift)
      let low = 1 + rest * (0.6931471806 + rest * (0.2402265070 + rest * 0.0555041087))
      let power = low + (rest * rest) * (rest * rest) * (0.0096181291 + rest * (0.0013333558 + rest * 0.0001540353))
      values[frame] = Float(bitPattern: power.bitPattern &+ (rounded.bitPattern &<< 23))
    }
  }

  /// Reductions in octaves become gains.
  @_noLocks
  static func gains(of reductions: UnsafeMutablePointer<Float>, frames: Int) {
    for frame in 0..<frames { reductions[frame] = -reductions[frame] }
    powers(of: reductions, frames: frames)
  }

  /// A time of at most a minute in frames.
  @_noLocks
  static func frames(_ time: HostDuration, at rate: SampleRate) -> Double {
    bounded(Double(time.nanoseconds), 0, 60e9) * 1e-9 * Double(rate.hertz)
  }

  @_noLocks
  static func multiply(
    _ samples: UnsafePointer<Float>, by gains: UnsafePointer<Float>,
    into: UnsafeMutablePointer<Float>, frames: Int
  ) {
    for frame in 0..<frames { into[frame] = samples[frame] * gains[frame] }
  }

  /// What `smoother` says for each frame.
  @_noLocks
  static func fill(_ values: UnsafeMutablePointer<Float>, from smoother: inout Smoother, frames: Int) {
    var frame = 0
    while frame < frames && !smoother.isSettled {
      values[frame] = smoother.next()
      frame &+= 1
    }
    let rest = smoother.value
    while frame < frames {
      values[frame] = rest
      frame &+= 1
    }
  }

  @_noLocks
  static func bounded(_ value: Double, _ low: Double, _ high: Double) -> Double {
    value > low ? (value < high ? value : high) : low
  }
}
