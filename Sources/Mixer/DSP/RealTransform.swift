import Glibc

/// The spectrum of real sound and back: a Fourier transform of a power of two, 16 to 65536 frames.
///
/// Half as many complex numbers go through a self-sorting transform of radix 4, real and imaginary parts apart so that
/// neighbours share a vector; then the two halves are untangled. Tables and scratch are made once.
/// Thread: render, but for its life.
public struct RealTransform: ~Copyable, @unchecked Sendable {
  /// Frames of sound.
  public let size: Int
  /// Numbers of a spectrum: from nothing to half the rate, both included.
  public var bins: Int { @_noLocks get { size / 2 + 1 } }

  private let half: Int
  /// For each stage of radix 4 the factors of its three turned quarters. The first stage has them by factor, real before
  /// imaginary; the others by butterfly.
  private let turns: UnsafeMutablePointer<Float>
  /// For untangling: cosines, then sines.
  private let twist: UnsafeMutablePointer<Float>
  /// Two sets of real and imaginary parts.
  private let scratch: UnsafeMutablePointer<Float>

  public init(size: Int) {
    precondition(size >= 16 && size <= 65_536 && size & (size - 1) == 0)
    self.size = size
    let half = size / 2
    self.half = half
    scratch = .allocate(capacity: 4 * half + 8)
    scratch.initialize(repeating: 0, count: 4 * half + 8)
    twist = .allocate(capacity: size)
    for bin in 0..<half {
      let angle = 2 * .pi * Double(bin) / Double(size)
      (twist + bin).initialize(to: Float(cos(angle)))
      (twist + half + bin).initialize(to: Float(sin(angle)))
    }
    turns = .allocate(capacity: 2 * half + 8)
    turns.initialize(repeating: 0, count: 2 * half + 8)
    var (length, place) = (half, 0)
    while length >= 4 {
      let quarter = length / 4
      for step in 0..<quarter {
        for turn in 1...3 {
          let angle = -2 * .pi * Double(step * turn) / Double(length)
          let first = length == half ? 2 * (turn - 1) * quarter + step : place + 6 * step + 2 * (turn - 1)
          turns[first] = Float(cos(angle))
          turns[first + (length == half ? quarter : 1)] = Float(sin(angle))
        }
      }
      place += 6 * quarter
      length = quarter
    }
  }

  deinit {
    turns.deallocate()
    twist.deallocate()
    scratch.deallocate()
  }

  /// Writes `bins` real and imaginary parts. Nothing is scaled. Thread: render.
  @_noLocks
  public borrowing func forward(
    _ sound: UnsafePointer<Float>, _ real: UnsafeMutablePointer<Float>, _ imaginary: UnsafeMutablePointer<Float>
  ) {
    forward(sound, packed: real, imaginary)
    (real[half], imaginary[half]) = (imaginary[0], 0)
    imaginary[0] = 0
  }

  /// Writes `size` frames; after `forward` they are what they were. Thread: render.
  @_noLocks
  public borrowing func inverse(
    _ real: UnsafePointer<Float>, _ imaginary: UnsafePointer<Float>, into sound: UnsafeMutablePointer<Float>
  ) {
    inverse(real, imaginary, top: real[half], into: sound)
  }

  /// Half as many parts as frames: the highest, which is real, stands where the lowest would have its imaginary part.
  /// Thread: render.
  @_noLocks
  borrowing func forward(
    _ sound: UnsafePointer<Float>, packed real: UnsafeMutablePointer<Float>, _ imaginary: UnsafeMutablePointer<Float>
  ) {
    let (re, im) = (scratch, scratch + half)
    var place = 0
    while place < half {
      let (a, b) = (Self.load(sound + 2 &* place), Self.load(sound + 2 &* place + 4))
      Self.store(Four(a[0], a[2], b[0], b[2]), re + place)
      Self.store(Four(a[1], a[3], b[1], b[3]), im + place)
      place &+= 4
    }
    let made = transform()
    let (zr, zi) = (made, made + half)
    (real[0], imaginary[0]) = (zr[0] + zi[0], zr[0] - zi[0])
    let (cosines, sines) = (twist, twist + half)
    var bin = 1
    // A bin and its mirror image at once; the one in the middle is its own.
    while bin <= half / 2 {
      let other = half &- bin &- 3
      let (ar, ai) = (Self.load(zr + bin), Self.load(zi + bin))
      let (br, bi) = (Self.reversed(Self.load(zr + other)), Self.reversed(Self.load(zi + other)))
      let (er, ei) = ((ar + br) * 0.5, (ai - bi) * 0.5)
      let (dr, di) = ((ai + bi) * 0.5, (br - ar) * 0.5)
      let (c, s) = (Self.load(cosines + bin), Self.load(sines + bin))
      let (tr, ti) = (dr * c + di * s, di * c - dr * s)
      Self.store(Self.reversed(er - tr), real + other)
      Self.store(Self.reversed(ti - ei), imaginary + other)
      Self.store(er + tr, real + bin)
      Self.store(ei + ti, imaginary + bin)
      bin &+= 4
    }
  }

  /// Of what the packed `forward` wrote, `top` being its highest part. Thread: render.
  @_noLocks
  borrowing func inverse(
    _ real: UnsafePointer<Float>, _ imaginary: UnsafePointer<Float>, top: Float,
    into sound: UnsafeMutablePointer<Float>
  ) {
    // Real and imaginary parts change places: that turns the transform round.
    let (re, im) = (scratch, scratch + half)
    im[0] = 0.5 * (real[0] + top)
    re[0] = 0.5 * (real[0] - top)
    let (cosines, sines) = (twist, twist + half)
    var bin = 1
    while bin <= half / 2 {
      let other = half &- bin &- 3
      let (ar, ai) = (Self.load(real + bin), Self.load(imaginary + bin))
      let (br, bi) = (Self.reversed(Self.load(real + other)), Self.reversed(Self.load(imaginary + other)))
      let (er, ei) = ((ar + br) * 0.5, (ai - bi) * 0.5)
      let (dr, di) = ((ar - br) * 0.5, (ai + bi) * 0.5)
      let (c, s) = (Self.load(cosines + bin), Self.load(sines + bin))
      let (or, oi) = (dr * c - di * s, dr * s + di * c)
      Self.store(Self.reversed(er + oi), im + other)
      Self.store(Self.reversed(or - ei), re + other)
      Self.store(er - oi, im + bin)
      Self.store(ei + or, re + bin)
      bin &+= 4
    }
    let made = transform()
    let scale = 1 / Float(half)
    var place = 0
    while place < half {
      let (odd, even) = (Self.load(made + place) * scale, Self.load(made + half + place) * scale)
      Self.store(Four(even[0], odd[0], even[1], odd[1]), sound + 2 &* place)
      Self.store(Four(even[2], odd[2], even[3], odd[3]), sound + 2 &* place + 4)
      place &+= 4
    }
  }

  /// Transforms the first set of the scratch; returns the set where the result lies.
  @_noLocks
  private borrowing func transform() -> UnsafeMutablePointer<Float> {
    var (from, to) = (scratch, scratch + 2 &* half)
    var (length, stride, place) = (half / 4, 4, 6 &* (half / 4))
    first(from, to)
    (from, to) = (to, from)
    while length >= 4 {
      let quarter = length / 4
      for step in 0..<quarter {
        Self.turn(
          from + stride &* step, to + 4 &* stride &* step, stride, stride &* quarter, half,
          turns + (place &+ 6 &* step))
      }
      place &+= 6 &* quarter
      length = quarter
      stride &*= 4
      (from, to) = (to, from)
    }
    guard length == 2 else { return from }
    for part in 0..<2 {
      var at = part &* half
      while at < part &* half &+ stride {
        let (a, b) = (Self.load(from + at), Self.load(from + at + stride))
        Self.store(a + b, to + at)
        Self.store(a - b, to + at + stride)
        at &+= 4
      }
    }
    return to
  }

  /// The first stage, where every butterfly has factors of its own: four at a time, their results side by side. The
  /// smallest transform has only two, and writes what is overwritten or never read.
  @_noLocks @inline(__always)
  private borrowing func first(_ from: UnsafeMutablePointer<Float>, _ to: UnsafeMutablePointer<Float>) {
    let quarter = half / 4
    var step = 0
    while step < quarter {
      let (real, imaginary) = (to + 4 &* step, to + half + 4 &* step)
      let quad = Self.butterfly(from + step, quarter, half)
      let w = turns + step
      let b = quad.1.turned(Self.load(w), Self.load(w + quarter))
      let c = quad.2.turned(Self.load(w + 2 &* quarter), Self.load(w + 3 &* quarter))
      let d = quad.3.turned(Self.load(w + 4 &* quarter), Self.load(w + 5 &* quarter))
      Self.interleave(quad.0.real, b.real, c.real, d.real, real)
      Self.interleave(quad.0.imaginary, b.imaginary, c.imaginary, d.imaginary, imaginary)
      step &+= 4
    }
  }

  /// `count` butterflies of four with the same factors: inputs `apart` from each other, outputs `count`.
  @_noLocks @inline(__always)
  private static func turn(
    _ from: UnsafeMutablePointer<Float>, _ to: UnsafeMutablePointer<Float>, _ count: Int, _ apart: Int, _ half: Int,
    _ w: UnsafeMutablePointer<Float>
  ) {
    let (c1, s1, c2) = (Four(repeating: w[0]), Four(repeating: w[1]), Four(repeating: w[2]))
    let (s2, c3, s3) = (Four(repeating: w[3]), Four(repeating: w[4]), Four(repeating: w[5]))
    var q = 0
    while q < count {
      let quad = butterfly(from + q, apart, half)
      quad.0.store(to + q, half)
      quad.1.turned(c1, s1).store(to + (q &+ count), half)
      quad.2.turned(c2, s2).store(to + (q &+ 2 &* count), half)
      quad.3.turned(c3, s3).store(to + (q &+ 3 &* count), half)
      q &+= 4
    }
  }

  private typealias Four = SIMD4<Float>

  /// Four complex numbers.
  private struct Complex {
    var real: Four
    var imaginary: Four

    @_noLocks @inline(__always)
    func turned(_ c: Four, _ s: Four) -> Complex {
      Complex(real: real * c - imaginary * s, imaginary: real * s + imaginary * c)
    }

    @_noLocks @inline(__always)
    func store(_ to: UnsafeMutablePointer<Float>, _ half: Int) {
      RealTransform.store(real, to)
      RealTransform.store(imaginary, to + half)
    }
  }

  /// A transform of four numbers, for four sets of them.
  @_noLocks @inline(__always)
  private static func butterfly(
    _ from: UnsafeMutablePointer<Float>, _ apart: Int, _ half: Int
  ) -> (Complex, Complex, Complex, Complex) {
    let (ar, ai) = (load(from), load(from + half))
    let (br, bi) = (load(from + apart), load(from + half + apart))
    let (cr, ci) = (load(from + 2 &* apart), load(from + half + 2 &* apart))
    let (dr, di) = (load(from + 3 &* apart), load(from + half + 3 &* apart))
    let (pr, pi, mr, mi) = (ar + cr, ai + ci, ar - cr, ai - ci)
    let (er, ei, fr, fi) = (br + dr, bi + di, br - dr, bi - di)
    return (
      Complex(real: pr + er, imaginary: pi + ei), Complex(real: mr + fi, imaginary: mi - fr),
      Complex(real: pr - er, imaginary: pi - ei), Complex(real: mr - fi, imaginary: mi + fr)
    )
  }

  // MARK: Vectors, wherever they lie

  @_noLocks @inline(__always)
  private static func load(_ from: UnsafePointer<Float>) -> Four {
    UnsafeRawPointer(from).loadUnaligned(as: Four.self)
  }

  @_noLocks @inline(__always)
  private static func store(_ value: Four, _ to: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(to).storeBytes(of: value, as: Four.self)
  }

  @_noLocks @inline(__always)
  private static func reversed(_ value: Four) -> Four { Four(value[3], value[2], value[1], value[0]) }

  @_noLocks @inline(__always)
  private static func interleave(
    _ a: Four, _ b: Four, _ c: Four, _ d: Four, _ to: UnsafeMutablePointer<Float>
  ) {
    store(Four(a[0], b[0], c[0], d[0]), to)
    store(Four(a[1], b[1], c[1], d[1]), to + 4)
    store(Four(a[2], b[2], c[2], d[2]), to + 8)
    store(Four(a[3], b[3], c[3], d[3]), to + 12)
  }
}
