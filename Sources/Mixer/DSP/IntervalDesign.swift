// Weights of an interpolator: computed once, by whoever makes it. Glibc's functions are no render calls.
import Glibc

/// The interpolator of 32 samples that comes nearest to the true value in between, by least squares over the whole band. It
/// is to read sound near half the rate as fully as 32 samples allow, and leave the middle of the band to a hundredth of a
/// decibel: what counts of an error is a hundredth above 0.35 of the rate, and a thousandth above 0.46.
enum IntervalDesign {
  private static let taps = 32
  private static let tiers: [(edge: Double, weight: Double)] = [(0.35, 1), (0.46, 0.01), (0.5, 0.001)]

  /// The weights for the point that lies `offset` behind the 16th sample.
  static func weights(offset: Double) -> [Double] {
    var rows = (0..<taps).map { row in
      (0..<taps).map { correlation(Double(row - $0)) } + [correlation(Double(row - 15) - offset)]
    }
    // The matrix is symmetric and definite: its pivots need no search.
    for pivot in 0..<taps {
      for row in pivot + 1..<taps {
        let factor = rows[row][pivot] / rows[pivot][pivot]
        for column in pivot...taps { rows[row][column] -= factor * rows[pivot][column] }
      }
    }
    var solution = [Double](repeating: 0, count: taps)
    for row in (0..<taps).reversed() {
      let known = (row + 1..<taps).reduce(0) { $0 + rows[row][$1] * solution[$1] }
      solution[row] = (rows[row][taps] - known) / rows[row][row]
    }
    return solution
  }

  /// The weighted integral of a cosine over frequency.
  private static func correlation(_ time: Double) -> Double {
    var (sum, before) = (0.0, 0.0)
    for tier in tiers {
      let integral = abs(time) < 1e-9 ? tier.edge : sin(2 * .pi * tier.edge * time) / (2 * .pi * time)
      sum += tier.weight * (integral - before)
      before = integral
    }
    return sum
  }
}
