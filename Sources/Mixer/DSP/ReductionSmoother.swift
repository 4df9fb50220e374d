import AudioCore

/// Follows a wanted reduction with one time for rising and one for falling. It works on the reduction in decibels, so both
/// times are the same for small and large steps: after the time it has gone 63.2 % of the way.
/// Thread: any one at a time.
struct ReductionSmoother {
  private var current = 0.0
  private var rise = 1.0
  private var fall = 1.0

  /// Times in frames; less than one is at once.
  @_noLocks
  mutating func tune(rise: Double, fall: Double) {
    self.rise = Self.share(rise)
    self.fall = Self.share(fall)
  }

  /// The share of the way that is gone in one frame.
  @_noLocks
  static func share(_ frames: Double) -> Double {
    frames < 0.1 ? 1 : 1 - renderExp2(-1.4426950408889634 / frames)
  }

  @_noLocks
  mutating func reset(to value: Double = 0) { current = value }

  /// Replaces each wanted reduction by the one to apply, in octaves.
  @_noLocks
  mutating func process(_ values: UnsafeMutablePointer<Float>, frames: Int) {
    // Aiming a little below nothing keeps the value off denormals; it is still one as a gain.
    let (below, stayRise, stayFall) = (1e-9, 1 - rise, 1 - fall)
    var value = current
    if rise >= fall {
      for frame in 0..<frames {
        let wanted = Double(values[frame]) - below
        let (up, down) = (stayRise * value + rise * wanted, stayFall * value + fall * wanted)
        value = up > down ? up : down
        values[frame] = Float(value)
      }
    } else {
      for frame in 0..<frames {
        let wanted = Double(values[frame]) - below
        let (up, down) = (stayRise * value + rise * wanted, stayFall * value + fall * wanted)
        value = up < down ? up : down
        values[frame] = Float(value)
      }
    }
    current = value
  }
}
