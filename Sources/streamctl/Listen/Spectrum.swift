import AudioCore
import Glibc

/// A sine found in a signal.
struct FoundTone: Hashable, Sendable {
  var frequency: Double
  /// Its peak amplitude.
  var amplitude: Double
}

/// Finding and measuring sines.
enum Spectrum {
  /// The strongest sine of a signal, to a small part of a bin. Uses the largest power of two of the newest samples; nil
  /// for fewer than 1024 of them or for silence.
  static func dominant(_ samples: [Float], rate: Double = 48_000) -> FoundTone? {
    guard samples.count >= 1024 else { return nil }
    let length = min(1 << (Int.bitWidth - 1 - samples.count.leadingZeroBitCount), 32_768)
    let newest = samples[(samples.count - length)...]
    var real = newest.enumerated().map { Double($1) * hann($0, length) }
    var imaginary = [Double](repeating: 0, count: length)
    transform(&real, &imaginary)
    let power = (0..<length / 2).map { real[$0] * real[$0] + imaginary[$0] * imaginary[$0] }
    guard let peak = (1..<power.count - 1).max(by: { power[$0] < power[$1] }), power[peak] > 1e-12 else { return nil }
    let (left, middle, right) = (log(power[peak - 1] + 1e-30), log(power[peak]), log(power[peak + 1] + 1e-30))
    let curve = left - 2 * middle + right
    let offset = curve < 0 ? 0.5 * (left - right) / curve : 0
    let frequency = (Double(peak) + min(max(offset, -0.5), 0.5)) * rate / Double(length)
    return FoundTone(frequency: frequency, amplitude: amplitude(newest, frequency: frequency, rate: rate))
  }

  /// Peak amplitude of a sine of known frequency.
  static func amplitude(_ samples: ArraySlice<Float>, frequency: Double, rate: Double = 48_000) -> Double {
    var (real, imaginary, weight) = (0.0, 0.0, 0.0)
    for (index, sample) in samples.enumerated() {
      let window = hann(index, samples.count)
      let phase = 2 * Double.pi * frequency * Double(index) / rate
      real += window * Double(sample) * cos(phase)
      imaginary += window * Double(sample) * sin(phase)
      weight += window
    }
    return weight > 0 ? 2 * (real * real + imaginary * imaginary).squareRoot() / weight : 0
  }

  static func hann(_ index: Int, _ length: Int) -> Double {
    0.5 - 0.5 * cos(2 * Double.pi * Double(index) / Double(length))
  }

  /// In-place Fourier transform; the length is a power of two.
  private static func transform(_ real: inout [Double], _ imaginary: inout [Double]) {
    let length = real.count
    var j = 0
    for i in 1..<length {
      var bit = length >> 1
      while j & bit != 0 {
        j ^= bit
        bit >>= 1
      }
      j |= bit
      if i < j {
        real.swapAt(i, j)
        imaginary.swapAt(i, j)
      }
    }
    var half = 1
    while half < length {
      for k in 0..<half {
        let angle = -Double.pi * Double(k) / Double(half)
        let (c, s) = (cos(angle), sin(angle))
        var at = k
        while at < length {
          let (r, i) = (real[at + half], imaginary[at + half])
          let (turnedReal, turnedImaginary) = (r * c - i * s, r * s + i * c)
          real[at + half] = real[at] - turnedReal
          imaginary[at + half] = imaginary[at] - turnedImaginary
          real[at] += turnedReal
          imaginary[at] += turnedImaginary
          at += 2 * half
        }
      }
      half *= 2
    }
  }
}
