import AudioCore
import Glibc

/// Digital filters whose response is that of the analogue ones up to 0.4 of the sampling rate.
///
/// The square of a section's response is a quotient of two quadratics in the squared sine of half the frequency. Such a
/// quotient is fitted to the analogue response: least squares of the relative error, weighted again and again so that the
/// largest error shrinks; then the sections with the roots inside the unit circle are read off. The response at zero is
/// exact. What lies above 0.4 of the rate only counts to keep the quotient positive.
/// Thread: control.
enum MatchedFilter {
  /// Nil for kinds that the bilinear transform serves as well, or where no fit was found.
  static func coefficients(of shape: FilterShape, at rate: SampleRate) -> BiquadCoefficients? {
    switch shape.kind {
    case .notch, .allPass: return nil
    case _ where shape.isNeutral: return nil
    // Far below half the rate nothing is narrowed.
    case _ where shape.frequency < 0.0005 * Double(rate.hertz) && !shape.kind.hasGain: return nil
    default: break
    }
    for guarded in [false, true] {
      var fit = PowerFit(shape, rate, guarded: guarded)
      if let found = fit.solve(), found.isStable { return found }
    }
    return nil
  }
}

/// One fit. In units t of the squared half-frequency sine at the filter's frequency: (n0 + n1·t + n2·t²) / (1 + d1·t + d2·t²).
private struct PowerFit {
  private struct Point {
    var t: Double
    var power: Double
    var counts: Bool
    var weight: Double
  }

  private var points: [Point] = []
  private let unit: Double
  private let atZero: Double
  /// A high pass must fall to nothing; its n1 may not become negative.
  private let isHighPass: Bool

  init(_ shape: FilterShape, _ rate: SampleRate, guarded: Bool) {
    let turn = 2 * Double.pi / Double(rate.hertz)
    let place = shape.frequency * turn
    let half = sin(min(place, 0.9 * Double.pi) / 2)
    unit = half * half
    isHighPass = shape.kind == .highPass || shape.kind == .highPassGentle
    atZero = isHighPass || shape.kind == .bandPass ? 0 : shape.analoguePower(at: 0)

    let top = 0.81 * Double.pi
    let bottom = min(place / 30, 0.003)
    var places = (0..<48).map { bottom * pow(top / bottom, Double($0) / 47) }
    places += (-8...8).map { place * exp2(Double($0) / 8 / max(shape.q, 0.5)) }.filter { $0 < top }
    let counting = places.count
    if guarded { places += (0..<7).map { (0.84 + 0.155 * Double($0) / 6) * Double.pi } }
    for (index, w) in places.enumerated() {
      let power = shape.analoguePower(at: w / turn)
      // Far down nobody hears a difference.
      guard power > 1e-5 else { continue }
      let sine = sin(w / 2)
      let counts = index < counting
      points.append(Point(t: sine * sine / unit, power: power, counts: counts, weight: counts ? 1 : 0.03))
    }
  }

  mutating func solve() -> BiquadCoefficients? {
    var best: (error: Double, x: SIMD4<Double>)?
    var denominators = points.map { 1 + $0.t * $0.t }
    var withoutFirst = false
    for round in 0..<10 {
      guard var x = leastSquares(denominators, withoutFirst: withoutFirst) else { break }
      if isHighPass, x[0] < 0 {
        withoutFirst = true
        x[0] = 0
      }
      var errors = [Double](repeating: 0, count: points.count)
      var isPositive = true
      for (index, point) in points.enumerated() {
        let d = 1 + x[2] * point.t + x[3] * point.t * point.t
        let n = atZero + x[0] * point.t + x[1] * point.t * point.t
        isPositive = isPositive && d > 0 && n > 0
        denominators[index] = max(d, 1e-9)
        if d > 0, n > 0, point.counts { errors[index] = abs(log(n / d / point.power)) }
      }
      guard isPositive, let worst = errors.max(), worst > 0 else { continue }
      if best.map({ worst < $0.error }) ?? true { best = (worst, x) }
      if round >= 3 { reweight(errors, worst) }
    }
    guard let best else { return nil }
    guard let a = roots(1, best.x[2], best.x[3]), let b = roots(atZero, best.x[0], best.x[1]) else { return nil }
    return BiquadCoefficients(b0: b[0] / a[0], b1: b[1] / a[0], b2: b[2] / a[0], a1: a[1] / a[0], a2: a[2] / a[0])
  }

  private mutating func reweight(_ errors: [Double], _ worst: Double) {
    var sum = 0.0
    var count = 0.0
    for index in points.indices where points[index].counts {
      points[index].weight *= 0.3 + errors[index] / worst
      sum += points[index].weight
      count += 1
    }
    for index in points.indices where points[index].counts { points[index].weight *= count / sum }
  }

  /// n1, n2, d1, d2 for the denominators of the round before.
  private func leastSquares(_ denominators: [Double], withoutFirst: Bool) -> SIMD4<Double>? {
    var scale = SIMD4<Double>(repeating: 0)
    var rows: [(row: SIMD4<Double>, right: Double)] = []
    for (point, denominator) in zip(points, denominators) {
      let weight = point.weight / (point.power * denominator)
      let t2 = point.t * point.t
      let row =
        SIMD4(withoutFirst ? 0 : point.t, t2, -point.power * point.t, -point.power * t2) * weight
      rows.append((row, (point.power - atZero) * weight))
      scale += row * row
    }
    for index in 0..<4 { scale[index] = scale[index] > 0 ? scale[index].squareRoot() : 1 }
    var matrix = [SIMD4<Double>](repeating: SIMD4(repeating: 0), count: 4)
    var right = SIMD4<Double>(repeating: 0)
    for (row, value) in rows {
      let scaled = row / scale
      for index in 0..<4 { matrix[index] += scaled * scaled[index] }
      right += scaled * value
    }
    for index in 0..<4 { matrix[index][index] += 1e-14 }
    return Self.solve(matrix, right).map { $0 / scale }
  }

  /// Elimination with pivots.
  private static func solve(_ matrix: [SIMD4<Double>], _ right: SIMD4<Double>) -> SIMD4<Double>? {
    var (matrix, right) = (matrix, right)
    for column in 0..<4 {
      var pivot = column
      for row in column..<4 where abs(matrix[row][column]) > abs(matrix[pivot][column]) { pivot = row }
      guard abs(matrix[pivot][column]) > 1e-300 else { return nil }
      matrix.swapAt(column, pivot)
      (right[column], right[pivot]) = (right[pivot], right[column])
      for row in 0..<4 where row != column {
        let factor = matrix[row][column] / matrix[column][column]
        matrix[row] -= matrix[column] * factor
        right[row] -= right[column] * factor
      }
    }
    for index in 0..<4 { right[index] /= matrix[index][index] }
    return right
  }

  /// The polynomial in the delay with the roots inside the unit circle whose power is n0 + n1·t + n2·t².
  private func roots(_ n0: Double, _ n1: Double, _ n2: Double) -> SIMD3<Double>? {
    let atHalfRate = n0 + n1 / unit + n2 / (unit * unit)
    guard n0 >= 0, atHalfRate >= 0 else { return nil }
    let (low, high) = (n0.squareRoot(), atHalfRate.squareRoot())
    let square = (2 * n0 + 2 * low * high + n1 / unit) / 4
    guard square >= 0 else { return nil }
    let first = (low + high) / 4 + square.squareRoot() / 2
    guard first > 0 else { return nil }
    return SIMD3(first, (low - high) / 2, n2 / (16 * unit * unit * first))
  }
}
