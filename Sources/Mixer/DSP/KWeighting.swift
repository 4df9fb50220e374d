import AudioCore
import Glibc

/// The two filters of ITU-R BS.1770 that stand for head and ear, for one sampling rate.
///
/// The recommendation prints coefficients for 48 kHz alone. Here they are made anew from the analogue filters behind them,
/// so that other rates hear the same curve; at 48 kHz they are the printed ones.
struct KWeighting {
  /// A high shelf of 4 dB: the head.
  let head: BiquadCoefficients
  /// A high pass at 38 Hz. Its numerator is 1, −2, 1: the recommendation does not normalise it.
  let ear: BiquadCoefficients

  /// Thread: control.
  init(rate: SampleRate) {
    var k = tan(Double.pi * 1681.974450955533 / Double(rate.hertz))
    var q = 0.7071752369554196
    let high = pow(10, 3.999843853973347 / 20)
    let band = pow(high, 0.4996667741545416)
    var a0 = 1 + k / q + k * k
    head = BiquadCoefficients(
      b0: (high + band * k / q + k * k) / a0, b1: 2 * (k * k - high) / a0, b2: (high - band * k / q + k * k) / a0,
      a1: 2 * (k * k - 1) / a0, a2: (1 - k / q + k * k) / a0)
    k = tan(Double.pi * 38.13547087602444 / Double(rate.hertz))
    q = 0.5003270373238773
    a0 = 1 + k / q + k * k
    ear = BiquadCoefficients(b0: 1, b1: -2, b2: 1, a1: 2 * (k * k - 1) / a0, a2: (1 - k / q + k * k) / a0)
  }

  /// How much a position counts. Beside the listener (60° to 120°) sound counts 1.5 dB more. Rear speakers stand there
  /// where a layout has no side speakers, else behind, where nothing is added. Low-frequency effects count nothing.
  static func weight(of label: ChannelLabel, in layout: ChannelLayout) -> Double {
    switch label {
    case .lowFrequency: 0
    case .sideLeft, .sideRight: 1.41
    case .rearLeft: layout.index(of: .sideLeft) == nil ? 1.41 : 1
    case .rearRight: layout.index(of: .sideRight) == nil ? 1.41 : 1
    case .mono, .frontLeft, .frontRight, .frontCenter: 1
    }
  }
}

/// Two channels through both filters at once, and the sum of their squares. Thread: render, but for its making.
struct KWeightedPair {
  private let head: BiquadCoefficients
  private let ear: BiquadCoefficients
  private var head1 = SIMD2<Double>()
  private var head2 = SIMD2<Double>()
  private var ear1 = SIMD2<Double>()
  private var ear2 = SIMD2<Double>()
  /// Since it was last set to zero.
  var squares = SIMD2<Double>()

  init(_ weighting: KWeighting) {
    head = weighting.head
    ear = weighting.ear
  }

  @_noLocks
  mutating func reset() {
    (head1, head2, ear1, ear2, squares) = (.init(), .init(), .init(), .init(), .init())
  }

  /// Finite samples only.
  @_noLocks
  mutating func process(_ first: UnsafePointer<Float>, _ second: UnsafePointer<Float>, frames: Int) {
    let (b0, b1, b2, a1, a2) = (head.b0, head.b1, head.b2, head.a1, head.a2)
    let (c1, c2) = (ear.a1, ear.a2)
    var (h1, h2, e1, e2, sum) = (head1, head2, ear1, ear2, squares)
    for frame in 0..<frames {
      let x = SIMD2(Double(first[frame]), Double(second[frame]))
      let v = x * b0 + h1
      h1 = (x * b1 + h2) - v * a1
      h2 = x * b2 - v * a2
      let y = v + e1
      e1 = (e2 - (v + v)) - y * c1
      e2 = v - y * c2
      sum += y * y
    }
    (head1, head2, ear1, ear2, squares) = (h1, h2, e1, e2, sum)
  }
}
