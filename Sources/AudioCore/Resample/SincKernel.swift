/// The inner loops of the resampler. Two sums side by side, because the next addition waits for the one before.
/// Thread: render.
enum SincKernel {
  /// The weights for a place between two rows of a table: a cubic through four rows. `place` counts rows.
  @_noLocks @inline(__always)
  static func weigh(
    _ table: UnsafePointer<SIMD8<Float>>, place: Double, vectors: Int, into weights: UnsafeMutablePointer<SIMD8<Float>>
  ) {
    let row = Int(place)
    let t = Float(place - Double(row))
    let (below, above, beyond) = (t + 1, t - 1, t - 2)
    let a = -t * above * beyond * (1 / 6)
    let b = below * above * beyond * 0.5
    let c = -below * t * beyond * 0.5
    let d = below * t * above * (1 / 6)
    let first = table + row &* vectors
    let second = first + vectors
    let third = second + vectors
    let fourth = third + vectors
    for vector in 0..<vectors {
      weights[vector] = (first[vector] * a + second[vector] * b) + (third[vector] * c + fourth[vector] * d)
    }
  }

  /// The weighted sum of eight times `vectors` samples.
  @_noLocks @inline(__always)
  static func sum(
    _ weights: UnsafePointer<SIMD8<Float>>, _ samples: UnsafePointer<Float>, vectors: Int
  ) -> Float {
    let raw = UnsafeRawPointer(samples)
    var (even, odd) = (SIMD8<Float>(repeating: 0), SIMD8<Float>(repeating: 0))
    var vector = 0
    while vector &+ 1 < vectors {
      even += weights[vector] * raw.loadUnaligned(fromByteOffset: vector &* 32, as: SIMD8<Float>.self)
      odd += weights[vector &+ 1] * raw.loadUnaligned(fromByteOffset: vector &* 32 &+ 32, as: SIMD8<Float>.self)
      vector &+= 2
    }
    if vector < vectors {
      even += weights[vector] * raw.loadUnaligned(fromByteOffset: vector &* 32, as: SIMD8<Float>.self)
    }
    return (even + odd).sum()
  }
}
