import AudioCore

/// What a limiter does to whole blocks, eight frames at a time. Buffers of its own have room for a multiple of eight.
/// Thread: any.
enum LimiterBlock {
  /// Raises `into` to each sample's peak over the ceiling: its own and those of the intervals on both sides. Returns the
  /// last interval's.
  @_noLocks
  static func gather(
    _ intervals: UnsafePointer<Float>, before: Float, samples: UnsafePointer<Float>, scale: Float,
    into: UnsafeMutablePointer<Float>, frames: Int
  ) -> Float {
    var last = before
    for frame in 0..<frames {
      let next = intervals[frame]
      var peak = samples[frame].magnitude
      peak = next > peak ? next : peak
      peak = last > peak ? last : peak
      last = next
      peak *= scale
      into[frame] = peak > into[frame] ? peak : into[frame]
    }
    return last
  }

  /// Turns peaks over the ceiling into the gains they require. False when all are one.
  @_noLocks
  static func require(_ peaks: UnsafeMutablePointer<Float>, frames: Int) -> Bool {
    var highest: Float = 0
    for frame in 0..<frames { highest = peaks[frame] > highest ? peaks[frame] : highest }
    if highest > 1 {
      for frame in 0..<frames { peaks[frame] = peaks[frame] > 1 ? 1 / peaks[frame] : 1 }
      return true
    }
    for frame in 0..<frames { peaks[frame] = 1 }
    return false
  }

  /// Returns the least of the gains.
  @_noLocks
  static func amplify(
    _ samples: UnsafePointer<Float>, by gains: UnsafePointer<Float>, into: UnsafeMutablePointer<Float>, frames: Int
  ) -> Float {
    var least: Float = 1
    for frame in 0..<frames {
      let gain = gains[frame]
      least = gain < least ? gain : least
      into[frame] = samples[frame] * gain
    }
    return least
  }
}
