// The coefficients of a resampler: computed once, by whoever makes it. Glibc's functions are no render calls.
import Glibc

/// A windowed sinc, or a straight line between neighbours, cut into sub-filters.
struct SincDesign {
  /// Frames that each output frame is made of; a multiple of eight.
  let taps: Int
  /// Sub-filters per input frame where any ratio must do. Between them the coefficients are interpolated by a cubic, whose
  /// error at the edge of the pass band lies 160 dB below the signal.
  static let phases = 128
  /// Places that output frames have between two input frames, and input frames that go by per as many output frames:
  /// the ratio in lowest terms.
  let places: Int
  let steps: Int
  /// Half the amplitude passes here, in cycles per input frame.
  private let cutoff: Double
  private let beta: Double
  private let isLine: Bool
  /// The most coefficients of a table with one sub-filter for each place: 4 MB.
  private static let mostExact = 1 << 20

  init(quality: ResamplerQuality, from: SampleRate, to: SampleRate) {
    let divisor = Self.commonDivisor(from.hertz, to.hertz)
    places = to.hertz / divisor
    steps = from.hertz / divisor
    let input = Double(from.hertz)
    let lower = Double(min(from.hertz, to.hertz))
    let (pass, stop) = quality.edges(lower: lower)
    isLine = quality == .linear
    let transition = (stop - pass) / input
    let needed = (quality.attenuation.value - 7.95) / (2.285 * 2 * Double.pi * transition) + 1
    taps = isLine ? 8 : (Int(needed.rounded(.up)) + 7) / 8 * 8
    cutoff = (pass + stop) / 2 / input
    beta = 0.1102 * (quality.attenuation.value - 8.7)
  }

  private static func commonDivisor(_ a: Int, _ b: Int) -> Int {
    var (a, b) = (a, b)
    while b > 0 { (a, b) = (b, a % b) }
    return a
  }

  /// Rows −1 to phases + 1, one after the other: what a cubic between any two neighbours needs.
  static var rows: Int { phases + 3 }

  /// Whether every place may have a sub-filter of its own.
  var hasExactRows: Bool { places * taps <= Self.mostExact }

  /// Rows for any place. Thread: control.
  func fill(_ table: UnsafeMutablePointer<Float>) {
    for index in 0..<Self.rows { fill(table + index * taps, phase: Double(index - 1) / Double(Self.phases)) }
  }

  /// A row for each place. Thread: control.
  func fillExact(_ table: UnsafeMutablePointer<Float>) {
    for index in 0..<places { fill(table + index * taps, phase: Double(index) / Double(places)) }
  }

  private func fill(_ row: UnsafeMutablePointer<Float>, phase: Double) {
    let half = taps / 2
    if isLine {
      row.update(repeating: 0, count: taps)
      // Straight on beyond the ends too, so that the cubic is the line.
      row[half - 1] = Float(1 - phase)
      row[half] = Float(phase)
      return
    }
    let values = (0..<taps).map { impulse(phase - Double($0 - half + 1)) }
    // Every row passes a constant unchanged.
    let sum = values.reduce(0, +)
    for tap in 0..<taps { row[tap] = Float(values[tap] / sum) }
  }

  private func impulse(_ time: Double) -> Double {
    let place = time / Double(taps / 2)
    guard abs(place) < 1 else { return 0 }
    let window = KaiserWindow.height(at: place, beta: beta)
    let angle = 2 * Double.pi * cutoff * time
    return window * (abs(angle) < 1e-12 ? 1 : sin(angle) / angle)
  }
}
