import Glibc

/// Steady sines, one frequency per channel, so that a swapped or lost channel shows.
public struct TestTone: Sendable {
  /// In hertz, one per channel; 0 is silence.
  public var frequencies: [Double]
  /// Peak level in dBFS.
  public var level: Double
  public var rate: Int

  public init(frequencies: [Double], level: Double = -20, rate: Int = 48000) {
    self.frequencies = frequencies
    self.level = level
    self.rate = rate
  }

  /// One tone per channel, far enough apart to be told from each other after coding; the fourth, which surround layouts
  /// use for low frequencies, is low.
  public init(channels: Int, level: Double = -20, rate: Int = 48000) {
    let frequencies: [Double] = [997, 1499, 701, 61, 1999, 2503, 3001, 3499]
    self.init(frequencies: Array(frequencies.prefix(channels)), level: level, rate: rate)
  }

  public func samples(frames: Int) -> [[Float]] {
    let amplitude = pow(10, level / 20)
    return frequencies.map { frequency in
      let step = 2 * Double.pi * frequency / Double(rate)
      return (0..<frames).map { frequency == 0 ? 0 : Float(amplitude * sin(step * Double($0))) }
    }
  }

  public func write(to path: String, seconds: Double) throws(SupportError) {
    try WaveFile(rate: rate, channels: samples(frames: Int(seconds * Double(rate)))).write(to: path)
  }
}

/// What is in recorded sound.
public enum ToneAnalysis {
  /// Peak level in dBFS of one frequency in the whole of `samples`: Goertzel under a Hann window, so that neither a broken
  /// last period nor another tone some periods away counts. −200 for nothing at all.
  public static func level(of frequency: Double, in samples: some Collection<Float>, rate: Int)
    -> Double
  {
    // A collection of unknown kind costs a call a sample.
    samples.withContiguousStorageIfAvailable { level(of: frequency, in: $0, rate: rate) }
      ?? Array(samples).withUnsafeBufferPointer { level(of: frequency, in: $0, rate: rate) }
  }

  private static func level(of frequency: Double, in samples: UnsafeBufferPointer<Float>, rate: Int) -> Double {
    let count = samples.count
    guard count > 2 else { return -200 }
    let step = 2 * Double.pi * frequency / Double(rate)
    let coefficient = 2 * cos(step)
    // The window's cosine by rotation.
    let turn = 2 * Double.pi / Double(count)
    let (turnCos, turnSin) = (cos(turn), sin(turn))
    var (re, im) = (cos(turn / 2), sin(turn / 2))
    var (last, before, weight) = (0.0, 0.0, 0.0)
    for sample in samples {
      let window = 0.5 - 0.5 * re
      (re, im) = (re * turnCos - im * turnSin, re * turnSin + im * turnCos)
      weight += window
      (last, before) = (Double(sample) * window + coefficient * last - before, last)
    }
    let power = last * last + before * before - coefficient * last * before
    return decibels(2 * max(power, 0).squareRoot() / weight)
  }

  /// Root mean square in dBFS of a sine's peak, so that a lone sine has the same value here as in `level`.
  public static func overallLevel(of samples: some Collection<Float>) -> Double {
    guard !samples.isEmpty else { return -200 }
    let sum = samples.reduce(0.0) { $0 + Double($1) * Double($1) }
    return decibels((2 * sum / Double(samples.count)).squareRoot())
  }

  /// The frequency among `candidates` that is loudest.
  public static func strongest(
    of candidates: [Double], in samples: some Collection<Float>, rate: Int
  ) -> Double? {
    candidates.max {
      level(of: $0, in: samples, rate: rate) < level(of: $1, in: samples, rate: rate)
    }
  }

  static func decibels(_ amplitude: Double) -> Double {
    amplitude < 1e-10 ? -200 : 20 * log10(amplitude)
  }
}
