import AudioCore
import Glibc

/// How finely the signal between the samples is looked at.
public enum TruePeakQuality: Hashable, Sendable {
  /// Samples only.
  case off
  /// The interpolator of ITU-R BS.1770 annex 2: four phases of twelve taps.
  case standard
  /// Four phases of thirty-two taps: within 0.003 dB up to 0.42 of the sampling rate, where the standard's is off by up to
  /// 0.2 dB anywhere, which it may be.
  case sharp
}

/// The highest level that a channel reaches between its samples, by interpolation to four times the rate, twice from
/// 80 kHz on.
///
/// Phases come in pairs that mirror each other, P and Q. Their mean E needs one multiplication for two samples, so P and E
/// are summed and Q is 2E − P. There is no subtraction in the loops: beside an addition of the same operands it would make
/// the compiler tear vectors apart.
struct TruePeakEstimate: ~Copyable {
  /// Outputs of one call.
  static var batch: Int { @_noLocks get { 128 } }
  /// What lies before them: the taps, rounded up.
  static var history: Int { @_noLocks get { 32 } }

  private enum Kind { case none, standard, sharp, half }
  private let kind: Kind
  /// Coefficients of one pair of taps after the other, each repeated over the lanes.
  private let table: UnsafeMutablePointer<SIMD8<Float>>
  /// What no phase can exceed, as a multiple of the highest sample.
  let bound: Float

  /// Thread: control.
  init(quality: TruePeakQuality, rate: SampleRate) {
    let room = 4 * Self.history / 2
    let table = UnsafeMutablePointer<SIMD8<Float>>.allocate(capacity: room)
    table.initialize(repeating: SIMD8(repeating: 0), count: room)
    self.table = table
    let kind: Kind =
      switch (quality, rate.hertz) {
      case (.off, _), (_, 160_000...): .none
      case (_, 80_000...): .half
      case (.standard, _): .standard
      case (.sharp, _): .sharp
      }
    self.kind = kind
    var norms = [0.0, 0, 0]
    func set(_ index: Int, _ value: Double) { table[index] = SIMD8(repeating: Float(value)) }
    switch kind {
    case .none: break
    case .standard:
      for tap in 0..<6 {
        let (outer, inner) = (Self.annex[0], Self.annex[1])
        for (group, phase) in [outer, inner].enumerated() {
          let (late, early) = (phase[5 - tap], phase[6 + tap])
          set(6 * tap + 3 * group, late)
          set(6 * tap + 3 * group + 1, early)
          set(6 * tap + 3 * group + 2, late + early)
          norms[group] += abs(late) + abs(early)
        }
      }
    case .sharp, .half:
      for tap in 0..<16 {
        let (late, early) = (Self.impulse(0.25 - Double(tap + 1)), Self.impulse(Double(tap) + 0.25))
        let middle = Self.impulse(Double(tap) + 0.5)
        set(4 * tap, late)
        set(4 * tap + 1, early)
        set(4 * tap + 2, late + early)
        set(4 * tap + 3, middle)
        norms[0] += abs(late) + abs(early)
        norms[1] += 2 * abs(middle)
      }
    }
    // A little more for what the sums are rounded.
    bound = Float(max(norms.max() ?? 0, 1) * 1.0001)
  }

  deinit { table.deallocate() }

  /// The highest magnitude between the samples of a batch. `samples` begins with the history. Thread: render.
  @_noLocks
  func peak(_ samples: UnsafePointer<Float>) -> Float {
    switch kind {
    case .none: 0
    case .standard: standard(UnsafeRawPointer(samples))
    case .sharp: sharp(UnsafeRawPointer(samples))
    case .half: half(UnsafeRawPointer(samples))
    }
  }

  @_noLocks @inline(__always)
  private func load(_ samples: UnsafeRawPointer, _ index: Int) -> SIMD8<Float> {
    samples.loadUnaligned(fromByteOffset: index &* 4, as: SIMD8<Float>.self)
  }

  @_noLocks @inline(__always)
  private func magnitude(_ x: SIMD8<Float>) -> SIMD8<Float> {
    SIMD8<Float>(bitPattern: x.bits & SIMD8(repeating: 0x7FFF_FFFF))
  }

  @_noLocks
  private func sharp(_ samples: UnsafeRawPointer) -> Float {
    var best = SIMD8<Float>(repeating: 0)
    var at = 0
    while at < Self.batch {
      var phase = SIMD8<Float>(repeating: 0)
      var both = SIMD8<Float>(repeating: 0)
      var middle = SIMD8<Float>(repeating: 0)
      for tap in 0..<16 {
        let late = load(samples, at &+ 16 &+ tap)
        let early = load(samples, at &+ 15 &- tap)
        let sum = late + early
        let row = table + 4 &* tap
        phase += late * row[0] + early * row[1]
        both += sum * row[2]
        middle += sum * row[3]
      }
      raise(&best, magnitude(phase))
      raise(&best, magnitude(both - phase))
      raise(&best, magnitude(middle))
      at &+= 8
    }
    return best.max()
  }

  @_noLocks @inline(__always)
  private func raise(_ best: inout SIMD8<Float>, _ found: SIMD8<Float>) {
    best.replace(with: found, where: found .> best)
  }

  @_noLocks
  private func half(_ samples: UnsafeRawPointer) -> Float {
    var best = SIMD8<Float>(repeating: 0)
    var at = 0
    while at < Self.batch {
      var middle = SIMD8<Float>(repeating: 0)
      for tap in 0..<16 {
        middle += (load(samples, at &+ 16 &+ tap) + load(samples, at &+ 15 &- tap)) * table[4 &* tap &+ 3]
      }
      raise(&best, magnitude(middle))
      at &+= 8
    }
    return best.max()
  }

  @_noLocks
  private func standard(_ samples: UnsafeRawPointer) -> Float {
    var best = SIMD8<Float>(repeating: 0)
    var at = 0
    while at < Self.batch {
      var outer = SIMD8<Float>(repeating: 0)
      var outers = SIMD8<Float>(repeating: 0)
      var inner = SIMD8<Float>(repeating: 0)
      var inners = SIMD8<Float>(repeating: 0)
      for tap in 0..<6 {
        let late = load(samples, at &+ 16 &+ tap)
        let early = load(samples, at &+ 15 &- tap)
        let sum = late + early
        let row = table + 6 &* tap
        outer += late * row[0] + early * row[1]
        outers += sum * row[2]
        inner += late * row[3] + early * row[4]
        inners += sum * row[5]
      }
      raise(&best, magnitude(outer))
      raise(&best, magnitude(outers - outer))
      raise(&best, magnitude(inner))
      raise(&best, magnitude(inners - inner))
      at &+= 8
    }
    return best.max()
  }

  /// Two of the four phases that the recommendation prints, newest sample first; the others are these backwards.
  private static let annex: [[Double]] = [
    [
      0.001708984375, 0.010986328125, -0.0196533203125, 0.033203125, -0.0594482421875, 0.1373291015625,
      0.97216796875, -0.102294921875, 0.047607421875, -0.026611328125, 0.014892578125, -0.00830078125,
    ],
    [
      -0.0291748046875, 0.029296875, -0.0517578125, 0.089111328125, -0.16650390625, 0.465087890625,
      0.77978515625, -0.2003173828125, 0.1015625, -0.0582275390625, 0.0330810546875, -0.0189208984375,
    ],
  ]

  /// A sinc under a Kaiser window of thirty-two samples, at a time in samples.
  private static func impulse(_ time: Double) -> Double {
    let place = time / 16
    guard abs(place) < 1 else { return 0 }
    let angle = Double.pi * time
    return KaiserWindow.weight(at: place, beta: 6.5) * (abs(angle) < 1e-12 ? 1 : sin(angle) / angle)
  }
}

extension SIMD8<Float> {
  @_noLocks @inline(__always)
  fileprivate init(bitPattern: SIMD8<UInt32>) { self = unsafeBitCast(bitPattern, to: Self.self) }

  fileprivate var bits: SIMD8<UInt32> {
    @_noLocks @inline(__always) get { unsafeBitCast(self, to: SIMD8<UInt32>.self) }
  }
}
