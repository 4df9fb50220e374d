import AudioCore
import Glibc

/// Where the wave between two samples may peak: ten points of each interval, from three interpolators of different
/// sharpness. Two are short as those of meters are, ITU-R BS.1770's (annex 2) and a plain windowed sinc; the third passes
/// the whole band. Where there is sound near half the rate they disagree, and none may be exceeded.
///
/// The points of either filter lie in pairs at the same distance from the middle of the interval. Such a pair is a sum and
/// a difference of two sums over mirrored samples, so the greater of the two absolute values is the sum of theirs.
/// Thread: any one at a time.
struct IntervalPeak: ~Copyable {
  /// Samples before the interval's first and after its second one that it looks at.
  static var taps: Int { @_noLocks get { 32 } }
  /// The result for a frame is about the interval that began so many frames before.
  static var delay: Int { @_noLocks get { 16 } }

  private typealias Vector = SIMD8<Float>
  /// Each coefficient as a vector of its own.
  private let table: UnsafeMutablePointer<Vector>
  private static let sharp = 16
  private static let short = 6

  init() {
    let (sharp, short) = (Self.sharp, Self.short)
    table = .allocate(capacity: 3 * sharp + 7 * short)
    let quarter = IntervalDesign.weights(offset: 0.25)
    let middle = IntervalDesign.weights(offset: 0.5)
    for tap in 0..<sharp {
      let mirror = 31 - tap
      put(3 * tap, (quarter[tap] + quarter[mirror]) / 2)
      put(3 * tap + 1, (quarter[tap] - quarter[mirror]) / 2)
      put(3 * tap + 2, (middle[tap] + middle[mirror]) / 2)
    }
    let plain = Self.plain(offset: 0.25)
    let plainMiddle = Self.plain(offset: 0.5)
    for tap in 0..<short {
      let mirror = 11 - tap
      let row = 3 * sharp + 7 * tap
      for (place, phase) in [Self.outer, Self.inner, plain].enumerated() {
        put(row + 2 * place, (phase[tap] + phase[mirror]) / 2)
        put(row + 2 * place + 1, (phase[tap] - phase[mirror]) / 2)
      }
      put(row + 6, (plainMiddle[tap] + plainMiddle[mirror]) / 2)
    }
  }

  deinit { table.deallocate() }

  private func put(_ index: Int, _ value: Double) { (table + index).initialize(to: Vector(repeating: Float(value))) }

  /// The weights of the 12 samples around an interval for the point that lies `offset` behind its first sample: a sinc
  /// under a raised cosine.
  private static func plain(offset: Double) -> [Double] {
    (0..<12).map { tap in
      let time = Double(tap - 5) - offset
      return 0.5 * (1 + cos(.pi * time / 6)) * sin(.pi * time) / (.pi * time)
    }
  }

  /// The modified Bessel function of the first kind of order zero.
  private static func bessel(_ x: Double) -> Double {
    var (term, sum, count) = (1.0, 1.0, 1.0)
    while term > sum * 1e-17 {
      term *= (x / (2 * count)) * (x / (2 * count))
      sum += term
      count += 1
    }
    return sum
  }

  /// The standard's phases 0 and 1; 3 and 2 are their mirror images. Earliest sample first.
  private static let outer = [
    -0.0083007812500, 0.0148925781250, -0.0266113281250, 0.0476074218750, -0.1022949218750, 0.9721679687500,
    0.1373291015625, -0.0594482421875, 0.0332031250000, -0.0196533203125, 0.0109863281250, 0.0017089843750,
  ]
  private static let inner = [
    -0.0189208984375, 0.0330810546875, -0.0582275390625, 0.1015625000000, -0.2003173828125, 0.7797851562500,
    0.4650878906250, -0.1665039062500, 0.0891113281250, -0.0517578125000, 0.0292968750000, -0.0291748046875,
  ]

  /// Writes the peak of the interval that began `delay` frames before each of `frames` frames. `samples` is the frame that
  /// is 31 before the first; both buffers have room for a multiple of eight frames.
  @_noLocks
  func measure(_ samples: UnsafePointer<Float>, into peaks: UnsafeMutablePointer<Float>, frames: Int) {
    let raw = UnsafeRawPointer(samples)
    let peaks = UnsafeMutableRawPointer(peaks)
    let magnitude = SIMD8<UInt32>(repeating: 0x7fff_ffff)
    var frame = 0
    while frame < frames {
      let first = raw + frame &* 4
      var coefficient = UnsafePointer(table)
      var (even, odd, middle) = (Vector.zero, Vector.zero, Vector.zero)
      var (near, far) = (first, first + 31 &* 4)
      for _ in 0..<Self.sharp {
        let (a, b) = (near.loadUnaligned(as: Vector.self), far.loadUnaligned(as: Vector.self))
        let (sum, difference) = (a + b, a - b)
        even += coefficient[0] * sum
        odd += coefficient[1] * difference
        middle += coefficient[2] * sum
        coefficient += 3
        near += 4
        far -= 4
      }
      var (outerEven, outerOdd, innerEven, innerOdd) = (Vector.zero, Vector.zero, Vector.zero, Vector.zero)
      var (plainEven, plainOdd, plainMiddle) = (Vector.zero, Vector.zero, Vector.zero)
      near = first + 10 &* 4
      far = first + 21 &* 4
      for _ in 0..<Self.short {
        let (a, b) = (near.loadUnaligned(as: Vector.self), far.loadUnaligned(as: Vector.self))
        let (sum, difference) = (a + b, a - b)
        outerEven += coefficient[0] * sum
        outerOdd += coefficient[1] * difference
        innerEven += coefficient[2] * sum
        innerOdd += coefficient[3] * difference
        plainEven += coefficient[4] * sum
        plainOdd += coefficient[5] * difference
        plainMiddle += coefficient[6] * sum
        coefficient += 7
        near += 4
        far -= 4
      }
      var peak = Self.absolute(middle, magnitude)
      peak.replace(with: Self.absolute(even, magnitude) + Self.absolute(odd, magnitude), against: peak)
      peak.replace(with: Self.absolute(outerEven, magnitude) + Self.absolute(outerOdd, magnitude), against: peak)
      peak.replace(with: Self.absolute(innerEven, magnitude) + Self.absolute(innerOdd, magnitude), against: peak)
      peak.replace(with: Self.absolute(plainEven, magnitude) + Self.absolute(plainOdd, magnitude), against: peak)
      peak.replace(with: Self.absolute(plainMiddle, magnitude), against: peak)
      peaks.storeBytes(of: peak, toByteOffset: frame &* 4, as: Vector.self)
      frame &+= 8
    }
  }

  @_noLocks @inline(__always)
  private static func absolute(_ value: Vector, _ mask: SIMD8<UInt32>) -> Vector {
    Vector(bits: value.bits & mask)
  }
}

extension SIMD8 where Scalar == Float {
  @inline(__always) fileprivate var bits: SIMD8<UInt32> {
    @_noLocks get { unsafeBitCast(self, to: SIMD8<UInt32>.self) }
  }
  @_noLocks @inline(__always) fileprivate init(bits: SIMD8<UInt32>) { self = unsafeBitCast(bits, to: Self.self) }
  /// Takes over what is greater. What is no number never is.
  @_noLocks @inline(__always) fileprivate mutating func replace(with other: Self, against: Self) {
    self.replace(with: other, where: other .> against)
  }
}
