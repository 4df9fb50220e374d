import Glibc

/// A place where a steady sine is not one.
public struct SineBreak: Sendable, CustomStringConvertible {
  public enum Kind: Sendable { case gap, jump }
  public var kind: Kind
  /// First and one past the last frame of the windows that show it.
  public var frames: Range<Int>
  /// The largest residual inside, relative to the sine, in decibels.
  public var residual: Double

  public var description: String { "\(kind) at \(frames), residual \(residual.rounded()) dB" }
}

/// Looks for breaks in a steady sine: in each window the best sine of the known frequency is fitted by least squares and
/// taken away; what remains is the break. Windows overlap by half, so a break on the edge of one is inside another.
public struct SineContinuity: Sendable {
  public var frequency: Double
  public var rate: Int
  public var window: Int
  /// Residual, relative to the sine, from which a window counts as broken.
  public var threshold: Double

  public init(frequency: Double, rate: Int = 48000, window: Int = 256, threshold: Double = -30) {
    self.frequency = frequency
    self.rate = rate
    self.window = window
    self.threshold = threshold
  }

  public func breaks(in samples: [Float]) -> [SineBreak] {
    let starts = Array(stride(from: 0, through: samples.count - window, by: window / 2))
    let fits = starts.map { fit(samples[$0..<$0 + window]) }
    let amplitudes = fits.map(\.amplitude).sorted()
    guard !amplitudes.isEmpty else { return [] }
    let usual = amplitudes[amplitudes.count / 2]
    var found: [SineBreak] = []
    for (start, fit) in zip(starts, fits) {
      let residual = ToneAnalysis.decibels(fit.residual) - ToneAnalysis.decibels(usual)
      let silent = fit.amplitude < usual * 0.25
      guard silent || residual > threshold else { continue }
      let kind: SineBreak.Kind = silent ? .gap : .jump
      if let last = found.last, last.frames.upperBound >= start {
        let merged = last.kind == .gap || kind == .gap ? SineBreak.Kind.gap : .jump
        found[found.count - 1] = SineBreak(
          kind: merged, frames: last.frames.lowerBound..<start + window,
          residual: max(last.residual, residual))
      } else {
        found.append(SineBreak(kind: kind, frames: start..<start + window, residual: residual))
      }
    }
    return found
  }

  /// Least squares of sine, cosine and constant; the residual is in the same peak measure as the amplitude.
  func fit(_ samples: ArraySlice<Float>) -> (amplitude: Double, residual: Double) {
    let step = 2 * Double.pi * frequency / Double(rate)
    var rows = [[Double]](repeating: [Double](repeating: 0, count: 4), count: 3)
    var power = 0.0
    for (index, sample) in samples.enumerated() {
      let basis = [sin(step * Double(index)), cos(step * Double(index)), 1, Double(sample)]
      for row in 0..<3 { for column in 0..<4 { rows[row][column] += basis[row] * basis[column] } }
      power += Double(sample) * Double(sample)
    }
    let target = rows.map { $0[3] }
    for pivot in 0..<3 {
      for row in 0..<3 where row != pivot {
        let factor = rows[row][pivot] / rows[pivot][pivot]
        for column in 0..<4 { rows[row][column] -= factor * rows[pivot][column] }
      }
    }
    let solution = (0..<3).map { rows[$0][3] / rows[$0][$0] }
    let explained = zip(solution, target).reduce(0) { $0 + $1.0 * $1.1 }
    let left = max(power - explained, 0) / Double(samples.count)
    return (
      (solution[0] * solution[0] + solution[1] * solution[1]).squareRoot(), (2 * left).squareRoot()
    )
  }
}
