/// Samples as filters want them. Thread: render.
enum Sanitised {
  /// Nothing that is sound is louder than this.
  static var limit: Float { @_noLocks get { 1e6 } }

  /// Copies; what is no number or beyond the limit becomes silence.
  @_noLocks
  static func copy(_ from: UnsafePointer<Float>, into: UnsafeMutablePointer<Float>, frames: Int) {
    for frame in 0..<frames {
      let sample = from[frame]
      // False for what is no number.
      into[frame] = sample.magnitude < limit ? sample : 0
    }
  }

  /// Makes silence of what is no number; leaves everything else as it is.
  @_noLocks
  static func clean(_ samples: UnsafeMutablePointer<Float>, frames: Int) {
    for frame in 0..<frames {
      let bits = samples[frame].bitPattern
      samples[frame] = Float(bitPattern: bits & 0x7F80_0000 == 0x7F80_0000 ? 0 : bits)
    }
  }

  /// The highest magnitude. Numbers only.
  @_noLocks
  static func peak(_ samples: UnsafePointer<Float>, frames: Int) -> Float {
    let raw = UnsafeRawPointer(samples)
    var best = SIMD8<UInt32>(repeating: 0)
    let mask = SIMD8<UInt32>(repeating: 0x7FFF_FFFF)
    var frame = 0
    while frame &+ 8 <= frames {
      // The bits of positive numbers are ordered as the numbers are.
      let bits = raw.loadUnaligned(fromByteOffset: frame &* 4, as: SIMD8<UInt32>.self) & mask
      best.replace(with: bits, where: bits .> best)
      frame &+= 8
    }
    var peak = Float(bitPattern: best.max())
    while frame < frames {
      if samples[frame].magnitude > peak { peak = samples[frame].magnitude }
      frame &+= 1
    }
    return peak
  }
}
