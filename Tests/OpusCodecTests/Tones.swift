import Glibc

/// Sines for codec tests, and a probe for them.
enum Tones {
  /// Frequency of the tone that tests put in a channel. No two related.
  static func frequency(channel: Int) -> Double { [997, 1511, 443, 2239, 3347, 701, 1873, 2791][channel] }

  static func interleaved(frames: Range<Int>, channels: Int, amplitude: Double) -> [Float] {
    frames.flatMap { frame in
      (0..<channels).map { channel in
        Float(amplitude * sin(2 * Double.pi * frequency(channel: channel) * Double(frame) / 48_000))
      }
    }
  }

  /// Peak amplitude of a frequency in one channel, in decibels. A Hann window keeps neighbours out.
  static func level(_ pcm: ArraySlice<Float>, channel: Int, channels: Int, frequency: Double) -> Double {
    let samples = stride(from: pcm.startIndex + channel, to: pcm.endIndex, by: channels).map { Double(pcm[$0]) }
    var (real, imaginary, weight) = (0.0, 0.0, 0.0)
    for (n, sample) in samples.enumerated() {
      let window = 0.5 - 0.5 * cos(2 * Double.pi * Double(n) / Double(samples.count))
      let phase = 2 * Double.pi * frequency * Double(n) / 48_000
      real += window * sample * cos(phase)
      imaginary += window * sample * sin(phase)
      weight += window
    }
    return 20 * log10(max(2 * (real * real + imaginary * imaginary).squareRoot() / weight, 1e-9))
  }
}
