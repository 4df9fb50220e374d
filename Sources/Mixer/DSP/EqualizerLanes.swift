import AudioCore

/// One band for two channels: coefficients, where they are going, and state. Transposed direct form II in 64 bits: noise
/// far below what 32 bit samples can show, down to the lowest frequencies.
///
/// Coefficients move in a straight line. The stable ones are a triangle, so all between two stable sets are stable; and a
/// band whose poles stay only fades. The signs of a1 and a2 are turned so that the loops only add.
/// Thread: render.
struct EqualizerLanes: BitwiseCopyable {
  typealias Pair = SIMD2<Double>

  struct Set: BitwiseCopyable {
    var b0 = Pair(1, 1)
    var b1 = Pair(0, 0)
    var b2 = Pair(0, 0)
    var c1 = Pair(0, 0)
    var c2 = Pair(0, 0)

    @_noLocks init() {}

    @_noLocks
    init(_ first: BiquadCoefficients, _ second: BiquadCoefficients) {
      b0 = Pair(first.b0, second.b0)
      b1 = Pair(first.b1, second.b1)
      b2 = Pair(first.b2, second.b2)
      c1 = Pair(-first.a1, -second.a1)
      c2 = Pair(-first.a2, -second.a2)
    }

    @_noLocks
    static func == (a: Self, b: Self) -> Bool {
      a.b0 == b.b0 && a.b1 == b.b1 && a.b2 == b.b2 && a.c1 == b.c1 && a.c2 == b.c2
    }
  }

  var now = Set()
  var target = Set()
  var step = Set()
  var s1 = Pair(0, 0)
  var s2 = Pair(0, 0)

  @_noLocks init() {}

  /// Where `s1` lies, behind which is `s2`: what the kernel reads beside `now`.
  static var stateOffset: Int { @_noLocks get { 3 &* 5 &* 16 } }

  @_noLocks
  mutating func aim(_ set: Set, over frames: Double) {
    target = set
    step.b0 = (set.b0 - now.b0) / frames
    step.b1 = (set.b1 - now.b1) / frames
    step.b2 = (set.b2 - now.b2) / frames
    step.c1 = (set.c1 - now.c1) / frames
    step.c2 = (set.c2 - now.c2) / frames
  }

  /// Whether what is left of the past lies 240 dB below full scale.
  var isQuiet: Bool {
    @_noLocks get {
      let limit = 1e-12
      return s1[0].magnitude < limit && s1[1].magnitude < limit && s2[0].magnitude < limit && s2[1].magnitude < limit
    }
  }

  /// Whether the past is of this world: a thousand decibels above full scale is not, nor what is no number.
  var isWithinNumbers: Bool {
    @_noLocks get {
      let limit = 1e50
      return s1[0].magnitude < limit && s1[1].magnitude < limit && s2[0].magnitude < limit && s2[1].magnitude < limit
    }
  }

  @_noLocks @inline(__always)
  mutating func next(_ x: Pair) -> Pair {
    let y = x * now.b0 + s1
    s1 = (x * now.b1 + s2) + y * now.c1
    s2 = x * now.b2 + y * now.c2
    return y
  }

  /// While coefficients move.
  @_noLocks
  mutating func glide(_ samples: UnsafeMutablePointer<Pair>, frames: Int) {
    var lanes = self
    for frame in 0..<frames {
      lanes.now.b0 += lanes.step.b0
      lanes.now.b1 += lanes.step.b1
      lanes.now.b2 += lanes.step.b2
      lanes.now.c1 += lanes.step.c1
      lanes.now.c2 += lanes.step.c2
      samples[frame] = lanes.next(samples[frame])
    }
    self = lanes
  }

  @_noLocks
  mutating func run(_ samples: UnsafeMutablePointer<Pair>, frames: Int) {
    let set = now
    var (s1, s2) = (self.s1, self.s2)
    for frame in 0..<frames {
      let x = samples[frame]
      let y = x * set.b0 + s1
      s1 = (x * set.b1 + s2) + y * set.c1
      s2 = x * set.b2 + y * set.c2
      samples[frame] = y
    }
    (self.s1, self.s2) = (s1, s2)
  }

  /// Four bands in one go: while one waits for its last result, the others work.
  @_noLocks
  static func runFour(
    _ a: inout Self, _ b: inout Self, _ c: inout Self, _ d: inout Self, _ samples: UnsafeMutablePointer<Pair>,
    frames: Int
  ) {
    let (e, f, g, h) = (a.now, b.now, c.now, d.now)
    var (a1, a2, b1, b2, c1, c2, d1, d2) = (a.s1, a.s2, b.s1, b.s2, c.s1, c.s2, d.s1, d.s2)
    for frame in 0..<frames {
      let x = samples[frame]
      let y = x * e.b0 + a1
      a1 = (x * e.b1 + a2) + y * e.c1
      a2 = x * e.b2 + y * e.c2
      let z = y * f.b0 + b1
      b1 = (y * f.b1 + b2) + z * f.c1
      b2 = y * f.b2 + z * f.c2
      let v = z * g.b0 + c1
      c1 = (z * g.b1 + c2) + v * g.c1
      c2 = z * g.b2 + v * g.c2
      let w = v * h.b0 + d1
      d1 = (v * h.b1 + d2) + w * h.c1
      d2 = v * h.b2 + w * h.c2
      samples[frame] = w
    }
    (a.s1, a.s2, b.s1, b.s2) = (a1, a2, b1, b2)
    (c.s1, c.s2, d.s1, d.s2) = (c1, c2, d1, d2)
  }
}
