/// Turns floats into a recording's samples. Whole numbers are rounded to the nearest, so what came from as many bits goes
/// back into the same. Thread: render.
enum SamplePacking {
  /// One channel of `frames` frames; `into` is its first sample, and frames lie `step` bytes apart.
  @_noLocks
  static func pack(
    _ format: SampleFormat, from: UnsafePointer<Float>, stride: Int, frames: Int, into: UnsafeMutableRawPointer,
    step: Int
  ) {
    switch format {
    case .float32:
      for frame in 0..<frames {
        (into + frame &* step).storeBytes(of: from[frame &* stride].bitPattern, as: UInt32.self)
      }
    case .integer16:
      for frame in 0..<frames {
        let whole = whole(from[frame &* stride], 32_768)
        (into + frame &* step).storeBytes(of: Int16(truncatingIfNeeded: whole), as: Int16.self)
      }
    case .integer24:
      for frame in 0..<frames {
        let whole = whole(from[frame &* stride], 8_388_608)
        let place = into + frame &* step
        place.storeBytes(of: UInt8(truncatingIfNeeded: whole), as: UInt8.self)
        (place + 1).storeBytes(of: UInt8(truncatingIfNeeded: whole &>> 8), as: UInt8.self)
        (place + 2).storeBytes(of: UInt8(truncatingIfNeeded: whole &>> 16), as: UInt8.self)
      }
    case .integer32:
      for frame in 0..<frames {
        let whole = whole(from[frame &* stride], 2_147_483_648)
        (into + frame &* step).storeBytes(of: whole, as: Int32.self)
      }
    }
  }

  /// What is no number is silence, what is too loud full scale.
  @_noLocks @inline(__always)
  private static func whole(_ value: Float, _ scale: Double) -> Int32 {
    let scaled = Double(value) * scale
    let low = scaled > -scale ? scaled : (scaled <= -scale ? -scale : 0)
    let bounded = low < scale - 1 ? low : scale - 1
    // Adding three halves of 2^52 leaves the nearest whole number in the low bits.
    return Int32(truncatingIfNeeded: (bounded + 6_755_399_441_055_744).bitPattern)
  }
}
