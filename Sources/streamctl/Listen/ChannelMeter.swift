import AudioCore
import Glibc

/// Level of one channel over a stretch of time.
struct LevelReading: Hashable, Sendable {
  var rms: Decibels
  var peak: Decibels
}

/// Gathers a channel's level: since the last look, and over the whole measured span.
struct ChannelMeter: Sendable {
  private var recent = Sums()
  private var span = Sums()
  /// The newest samples, a ring for the spectrum.
  private var history = [Float](repeating: 0, count: ChannelMeter.historyLength)
  private var written = 0
  private(set) var tracker = ToneTracker()

  static let historyLength = 32_768

  private struct Sums: Sendable {
    var squares = 0.0
    var peak: Float = 0
    var count = 0

    mutating func add(_ sample: Float) {
      squares += Double(sample) * Double(sample)
      peak = max(peak, abs(sample))
      count += 1
    }

    var reading: LevelReading {
      LevelReading(
        rms: Decibels(amplitude: count > 0 ? (squares / Double(count)).squareRoot() : 0),
        peak: Decibels(amplitude: Double(peak)))
    }
  }

  /// `measuring` adds to the span and lets breaks count.
  mutating func feed(_ pcm: UnsafeBufferPointer<Float>, channel: Int, channels: Int, measuring: Bool) {
    for index in stride(from: channel, to: pcm.count, by: channels) {
      recent.add(pcm[index])
      if measuring { span.add(pcm[index]) }
      history[written % Self.historyLength] = pcm[index]
      written += 1
    }
    if measuring { tracker.feed(pcm, channel: channel, channels: channels) }
  }

  mutating func takeRecent() -> LevelReading {
    defer { recent = Sums() }
    return recent.reading
  }

  var spanReading: LevelReading { span.reading }

  /// Oldest first.
  var newest: [Float] {
    guard written >= Self.historyLength else { return Array(history[..<written]) }
    let start = written % Self.historyLength
    return Array(history[start...] + history[..<start])
  }
}
