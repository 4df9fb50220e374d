public import AudioCore
import Glibc

/// What a band of an equalizer does, as an analogue filter of up to the second order.
public enum FilterKind: String, Hashable, Sendable, CaseIterable {
  case peak
  case lowShelf
  case highShelf
  /// Shelves of the first order: half as steep, never resonant.
  case lowShelfGentle
  case highShelfGentle
  case lowPass
  case highPass
  case lowPassGentle
  case highPassGentle
  case bandPass
  case notch
  case allPass
  /// Lows up and highs down by half the gain each, or the other way round, about the frequency.
  case tilt

  var hasGain: Bool {
    switch self {
    case .peak, .lowShelf, .highShelf, .lowShelfGentle, .highShelfGentle, .tilt: true
    default: false
    }
  }
}

/// How an analogue filter becomes a digital one.
public enum FilterDesign: String, Hashable, Sendable {
  /// The bilinear transform: exact at its frequency, narrowed near half the sampling rate.
  case bilinear
  /// Fitted to the analogue response up to 0.4 of the rate, within 0.3 dB.
  case matched
}

/// One filter as people set it.
public struct FilterShape: Hashable, Sendable {
  public var kind: FilterKind
  public var frequency: Double
  public var q: Double
  public var gain: Decibels

  public init(_ kind: FilterKind, frequency: Double, q: Double = 0.5.squareRoot(), gain: Decibels = Decibels(0)) {
    self.kind = kind
    self.frequency = frequency
    self.q = q
    self.gain = gain
  }

  /// The same within what filters can do at a rate: 1 Hz to 0.49 of it, Q from 0.05 to 100, gains to 60 dB.
  public func limited(to rate: SampleRate) -> Self {
    var shape = self
    shape.frequency = Self.clamp(frequency, 1, 0.49 * Double(rate.hertz), else: 1000)
    shape.q = Self.clamp(q, 0.05, 100, else: 0.5.squareRoot())
    shape.gain = Decibels(Self.clamp(gain.value, -60, 60, else: 0))
    return shape
  }

  private static func clamp(_ value: Double, _ low: Double, _ high: Double, else other: Double) -> Double {
    value.isFinite ? min(max(value, low), high) : other
  }

  /// Whether it changes nothing.
  public var isNeutral: Bool { kind.hasGain && gain.value == 0 }

  /// The analogue response, with s in units of the frequency: numerator and denominator, lowest power first.
  var analogue: (numerator: SIMD3<Double>, denominator: SIMD3<Double>) {
    let a = pow(10, gain.value / 40)
    let root = a.squareRoot()
    switch kind {
    case .peak: return (SIMD3(1, a / q, 1), SIMD3(1, 1 / (a * q), 1))
    case .lowShelf: return (SIMD3(a, root / q, 1) * a, SIMD3(1, root / q, a))
    case .highShelf: return (SIMD3(1, root / q, a) * a, SIMD3(a, root / q, 1))
    case .lowShelfGentle: return (SIMD3(a, 1, 0), SIMD3(1 / a, 1, 0))
    case .highShelfGentle: return (SIMD3(1, a, 0), SIMD3(1, 1 / a, 0))
    case .lowPass: return (SIMD3(1, 0, 0), SIMD3(1, 1 / q, 1))
    case .highPass: return (SIMD3(0, 0, 1), SIMD3(1, 1 / q, 1))
    case .lowPassGentle: return (SIMD3(1, 0, 0), SIMD3(1, 1, 0))
    case .highPassGentle: return (SIMD3(0, 1, 0), SIMD3(1, 1, 0))
    case .bandPass: return (SIMD3(0, 1 / q, 0), SIMD3(1, 1 / q, 1))
    case .notch: return (SIMD3(1, 0, 1), SIMD3(1, 1 / q, 1))
    case .allPass: return (SIMD3(1, -1 / q, 1), SIMD3(1, 1 / q, 1))
    // A gentle low shelf of the whole gain, lowered by half of it.
    case .tilt: return (SIMD3(a, 1, 0) / a, SIMD3(1 / a, 1, 0))
    }
  }

  /// The square of the analogue response at a frequency.
  func analoguePower(at hertz: Double) -> Double {
    let (numerator, denominator) = analogue
    func power(_ polynomial: SIMD3<Double>) -> Double {
      let w = hertz / frequency
      let real = polynomial[0] - polynomial[2] * w * w
      let imaginary = polynomial[1] * w
      return real * real + imaginary * imaginary
    }
    return power(numerator) / power(denominator)
  }

  /// Thread: control.
  public func coefficients(at rate: SampleRate, design: FilterDesign = .bilinear) -> BiquadCoefficients {
    let shape = limited(to: rate)
    let fitted = design == .matched ? MatchedFilter.coefficients(of: shape, at: rate) : nil
    return fitted ?? shape.bilinear(at: rate)
  }

  private func bilinear(at rate: SampleRate) -> BiquadCoefficients {
    let (n, d) = analogue
    let k = 1 / tan(Double.pi * frequency / Double(rate.hertz))
    // A filter of the first order keeps no root at −1, which would lie on the edge of what is stable.
    if n[2] == 0, d[2] == 0 {
      let a0 = d[0] + d[1] * k
      return BiquadCoefficients(
        b0: (n[0] + n[1] * k) / a0, b1: (n[0] - n[1] * k) / a0, b2: 0, a1: (d[0] - d[1] * k) / a0, a2: 0)
    }
    func transformed(_ p: SIMD3<Double>) -> SIMD3<Double> {
      SIMD3(p[0] + p[1] * k + p[2] * k * k, 2 * (p[0] - p[2] * k * k), p[0] - p[1] * k + p[2] * k * k)
    }
    let (b, a) = (transformed(n), transformed(d))
    return BiquadCoefficients(b0: b[0] / a[0], b1: b[1] / a[0], b2: b[2] / a[0], a1: a[1] / a[0], a2: a[2] / a[0])
  }
}

extension BiquadCoefficients {
  /// Whether its poles lie inside the unit circle, and all of it is numbers.
  public var isStable: Bool {
    abs(a2) < 1 && abs(a1) < 1 + a2 && (b0 + b1 + b2).isFinite && abs(b0) + abs(b1) + abs(b2) < 1e9
  }

  /// The response at a frequency, as a complex number. Thread: control.
  public func response(at hertz: Double, rate: SampleRate) -> (real: Double, imaginary: Double) {
    let w = 2 * Double.pi * hertz / Double(rate.hertz)
    let (c1, s1, c2, s2) = (cos(w), sin(w), cos(2 * w), sin(2 * w))
    let (nr, ni) = (b0 + b1 * c1 + b2 * c2, -b1 * s1 - b2 * s2)
    let (dr, di) = (1 + a1 * c1 + a2 * c2, -a1 * s1 - a2 * s2)
    let power = dr * dr + di * di
    return ((nr * dr + ni * di) / power, (ni * dr - nr * di) / power)
  }

  /// Thread: control.
  public func gain(at hertz: Double, rate: SampleRate) -> Decibels {
    let (real, imaginary) = response(at: hertz, rate: rate)
    return Decibels(amplitude: (real * real + imaginary * imaginary).squareRoot())
  }
}
