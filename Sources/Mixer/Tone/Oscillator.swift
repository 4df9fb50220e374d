/// Periodic waves from a phase that counts periods. Steps are periods a frame. Thread: render.
struct Oscillator {
  private var phase = 0.0

  @_noLocks
  private mutating func advance(_ step: Double) {
    phase += step
    if phase >= 1 { phase -= 1 }
  }

  @_noLocks
  mutating func sine(_ step: Double) -> Double {
    defer { advance(step) }
    return Self.sine(turns: phase)
  }

  /// One frame high where a period begins, the first one included.
  @_noLocks
  mutating func impulse(_ step: Double) -> Double {
    defer { advance(step) }
    return phase < step ? 1 : 0
  }

  @_noLocks
  mutating func saw(_ step: Double) -> Double {
    defer { advance(step) }
    return 2 * phase - 1 - 2 * Self.edge(phase, step)
  }

  @_noLocks
  mutating func square(_ step: Double) -> Double {
    defer { advance(step) }
    let half = phase < 0.5 ? phase + 0.5 : phase - 0.5
    return (phase < 0.5 ? 1 : -1) + 2 * Self.edge(phase, step) - 2 * Self.edge(half, step)
  }

  /// The sine of so many turns, 0 to 1, to within 1e-9: folded to a quarter, then its series.
  @_noLocks
  static func sine(turns: Double) -> Double {
    var quarter = turns - 0.5
    if quarter > 0.25 { quarter = 0.5 - quarter } else if quarter < -0.25 { quarter = -0.5 - quarter }
    let x = 2 * Double.pi * quarter
    let y = x * x
    let tail = 1.0 / 362_880 - y * (1.0 / 39_916_800 - y * (1.0 / 6_227_020_800))
    let series = 1 - y * (1.0 / 6 - y * (1.0 / 120 - y * (1.0 / 5040 - y * tail)))
    return -x * series
  }

  /// What a step at phase 0 lacks to be band-limited, near it: the integral of a cubic B-spline less the step itself. What
  /// it leaves above half the rate, and would be heard mirrored, falls with the fourth power of the frequency.
  @_noLocks
  private static func edge(_ phase: Double, _ step: Double) -> Double {
    let after = phase / step
    if after < 1 {
      let cube = after * after * after
      return cube * after / 8 - cube / 3 + after * (2.0 / 3) - 0.5
    }
    if after < 2 {
      let d = after - 1
      return -d * d * d * d / 24 + d * d * d / 6 - d * d / 4 + d / 6 - 1.0 / 24
    }
    let before = (1 - phase) / step
    if before < 1 {
      let d = 1 - before
      return -d * d * d * d / 8 + d * d * d / 6 + d * d / 4 + d / 6 + 1.0 / 24
    }
    if before < 2 {
      let d = 2 - before
      return d * d * d * d / 24
    }
    return 0
  }
}
