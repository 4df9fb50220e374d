/// Peak and power of interleaved samples, eight at a time.
///
/// Lane `i` of vector `k` always holds the same channel, because the vectors are as many as it takes for the pattern of
/// channels to come round: one for 1, 2 and 8 channels, three for 6. Every codec frame is a whole number of rounds.
struct LevelMeter: Sendable {
  private var peaks: InlineArray<3, SIMD8<Float>> = InlineArray(repeating: SIMD8(repeating: 0))
  private var squares: InlineArray<3, SIMD8<Float>> = InlineArray(repeating: SIMD8(repeating: 0))
  private let vectors: Int
  private let channels: Int

  init(channels: Int) {
    self.channels = channels
    vectors = 8 % channels == 0 ? 1 : 3
    precondition(vectors * 8 % channels == 0)
  }

  /// Thread: the encoder's.
  mutating func measure(_ samples: UnsafePointer<Float>, count: Int) {
    let magnitude = SIMD8<UInt32>(repeating: 0x7FFF_FFFF)
    let raw = UnsafeRawPointer(samples)
    for vector in 0..<vectors {
      var peak = peaks[vector]
      var square = SIMD8<Float>(repeating: 0)
      var place = vector * 8
      while place + 8 <= count {
        let value = raw.loadUnaligned(fromByteOffset: place * 4, as: SIMD8<Float>.self)
        let size = SIMD8<Float>(bitPattern: SIMD8<UInt32>(bitPattern: value) & magnitude)
        peak.replace(with: size, where: size .> peak)
        square += value * value
        place += vectors * 8
      }
      peaks[vector] = peak
      squares[vector] = square
    }
  }

  /// Adds what was measured to per-channel sums and starts anew.
  mutating func take(peaks channelPeaks: inout [Float], squares channelSquares: inout [Double]) {
    for vector in 0..<vectors {
      for lane in 0..<8 {
        let channel = (vector * 8 + lane) % channels
        channelPeaks[channel] = max(channelPeaks[channel], peaks[vector][lane])
        channelSquares[channel] += Double(squares[vector][lane])
      }
      peaks[vector] = SIMD8(repeating: 0)
      squares[vector] = SIMD8(repeating: 0)
    }
  }
}

extension SIMD8<Float> {
  fileprivate init(bitPattern: SIMD8<UInt32>) { self = unsafeBitCast(bitPattern, to: Self.self) }
}

extension SIMD8<UInt32> {
  fileprivate init(bitPattern: SIMD8<Float>) { self = unsafeBitCast(bitPattern, to: Self.self) }
}
