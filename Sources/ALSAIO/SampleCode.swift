import AudioCore

/// How a device writes a sample, in this machine's byte order.
enum SampleCode: UInt8, Sendable, CaseIterable {
  case float32
  case int32
  /// 24 bits in the low bytes of four.
  case int24
  /// 24 bits in three bytes, the lowest first.
  case packed24
  case int16

  var bytes: Int {
    @_noLocks get {
      switch self {
      case .float32, .int32, .int24: 4
      case .packed24: 3
      case .int16: 2
      }
    }
  }

  var name: String {
    switch self {
    case .float32: "f32"
    case .int32: "s32"
    case .int24: "s24"
    case .packed24: "s24_3"
    case .int16: "s16"
    }
  }

  /// Writes floats as samples that lie `stride` bytes apart. What exceeds full scale is clipped, what is no number is
  /// silence. Thread: render.
  @_noLocks
  func encode(_ from: UnsafePointer<Float>, frames: Int, to: UnsafeMutableRawPointer, stride: Int) {
    switch self {
    case .float32:
      for frame in 0..<frames {
        let sample = from[frame]
        to.storeBytes(of: sample == sample ? sample : 0, toByteOffset: frame &* stride, as: Float.self)
      }
    case .int32:
      for frame in 0..<frames {
        let scaled = Double(Self.bounded(from[frame])) * 2_147_483_648
        let whole = Int64(scaled + (scaled < 0 ? -0.5 : 0.5))
        to.storeBytes(
          of: Int32(truncatingIfNeeded: whole < 2_147_483_647 ? whole : 2_147_483_647), toByteOffset: frame &* stride,
          as: Int32.self)
      }
    case .int24:
      for frame in 0..<frames {
        to.storeBytes(of: Self.whole24(from[frame]), toByteOffset: frame &* stride, as: Int32.self)
      }
    case .packed24:
      for frame in 0..<frames {
        let whole = Self.whole24(from[frame])
        let place = to + frame &* stride
        place.storeBytes(of: UInt8(truncatingIfNeeded: whole), as: UInt8.self)
        place.storeBytes(of: UInt8(truncatingIfNeeded: whole >> 8), toByteOffset: 1, as: UInt8.self)
        place.storeBytes(of: UInt8(truncatingIfNeeded: whole >> 16), toByteOffset: 2, as: UInt8.self)
      }
    case .int16:
      for frame in 0..<frames {
        let scaled = Self.bounded(from[frame]) * 32_768
        let whole = Int32(scaled + (scaled < 0 ? -0.5 : 0.5))
        to.storeBytes(
          of: Int16(truncatingIfNeeded: whole < 32_767 ? whole : 32_767), toByteOffset: frame &* stride, as: Int16.self)
      }
    }
  }

  /// Adds samples that lie `stride` bytes apart, times `gain`, to floats. Thread: render.
  @_noLocks
  func decode(_ from: UnsafeRawPointer, stride: Int, frames: Int, gain: Float, adding to: UnsafeMutablePointer<Float>) {
    switch self {
    case .float32:
      for frame in 0..<frames {
        let sample = from.loadUnaligned(fromByteOffset: frame &* stride, as: Float.self)
        to[frame] += (sample == sample ? sample : 0) * gain
      }
    case .int32:
      let scale = gain / 2_147_483_648
      for frame in 0..<frames {
        to[frame] += Float(from.loadUnaligned(fromByteOffset: frame &* stride, as: Int32.self)) * scale
      }
    case .int24:
      let scale = gain / 8_388_608
      for frame in 0..<frames {
        // The fourth byte may hold anything.
        let whole = (from.loadUnaligned(fromByteOffset: frame &* stride, as: Int32.self) << 8) >> 8
        to[frame] += Float(whole) * scale
      }
    case .packed24:
      let scale = gain / 8_388_608
      for frame in 0..<frames {
        let place = from + frame &* stride
        let low = Int32(place.load(as: UInt8.self))
        let middle = Int32(place.load(fromByteOffset: 1, as: UInt8.self))
        let high = Int32(place.load(fromByteOffset: 2, as: Int8.self))
        to[frame] += Float(high << 16 | middle << 8 | low) * scale
      }
    case .int16:
      let scale = gain / 32_768
      for frame in 0..<frames {
        to[frame] += Float(from.loadUnaligned(fromByteOffset: frame &* stride, as: Int16.self)) * scale
      }
    }
  }

  @_noLocks
  private static func bounded(_ sample: Float) -> Float {
    if sample >= -1 { return sample <= 1 ? sample : 1 }
    return sample < -1 ? -1 : 0
  }

  @_noLocks
  private static func whole24(_ sample: Float) -> Int32 {
    let scaled = bounded(sample) * 8_388_608
    // Beyond half the scale a float holds no fraction that rounding could use.
    let whole = Int32(Double(scaled) + (scaled < 0 ? -0.5 : 0.5))
    return whole < 8_388_607 ? whole : 8_388_607
  }
}
