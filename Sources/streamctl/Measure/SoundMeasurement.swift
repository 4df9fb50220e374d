import AudioCore
import Mixer
import SoundFiles

/// Everything that is measured of one sound.
struct SoundMeasurement {
  struct Channel {
    var name: String
    var peak: Decibels
    var rms: Decibels
    /// The mean sample, of full scale.
    var offset: Double
    var clicks: Int
    /// Samples that are no numbers.
    var broken: Int
  }

  var rate: SampleRate
  var format: String
  var frames = 0
  var loudness = LoudnessReading()
  var channels: [Channel] = []
  /// Seconds at which the first clicks lie.
  var clickTimes: [Double] = []

  var clicks: Int { channels.reduce(0) { $0 + $1.clicks } }
  var seconds: Double { Double(frames) / Double(rate.hertz) }

  private static let block = 4096

  init(of reader: SoundFile, dualMono: Bool = false) {
    let planes = SoundPlanes(channels: reader.layout.count, frames: Self.block)
    var tally = SoundTally(format: StreamFormat(rate: reader.rate, layout: reader.layout), dualMono: dualMono)
    while case let got = reader.read(into: planes.channels, limit: FrameCount(Self.block)).value, got > 0 {
      tally.add(planes.channels, frames: got)
    }
    self = tally.result(reader.format)
  }

  fileprivate init(rate: SampleRate, format: String) {
    self.rate = rate
    self.format = format
  }
}

/// Measures sound that comes piece by piece.
struct SoundTally: ~Copyable {
  private let format: StreamFormat
  private var meter: LoudnessMeter
  private var sums: [Channel]
  private var frames = 0

  init(format: StreamFormat, dualMono: Bool = false) {
    self.format = format
    meter = LoudnessMeter(format: format, settings: .init(dualMono: dualMono))
    sums = [Channel](repeating: Channel(), count: format.layout.count)
  }

  mutating func add(_ planes: UnsafePointer<UnsafeMutablePointer<Float>>, frames count: Int) {
    meter.process(planes, frames: count)
    for channel in sums.indices { sums[channel].add(UnsafeBufferPointer(start: planes[channel], count: count)) }
    frames += count
  }

  /// Of the sound so far.
  mutating func reading() -> LoudnessReading { meter.reading() }

  /// Once, at the end. `name` is what the sound was kept in.
  mutating func result(_ name: String) -> SoundMeasurement {
    meter.finish()
    var found = SoundMeasurement(rate: format.rate, format: name)
    found.frames = frames
    found.loudness = meter.reading()
    var places: [Int] = []
    for channel in sums.indices {
      sums[channel].clicks.finish()
      places += sums[channel].clicks.places
      found.channels.append(sums[channel].result(format.layout[channel].name))
    }
    let hertz = Double(format.rate.hertz)
    found.clickTimes = Set(places).sorted().prefix(ClickCounter.placeLimit).map { Double($0) / hertz }
    return found
  }

  private struct Channel {
    var sum = 0.0
    var squares = 0.0
    var peak: Float = 0
    var count = 0
    var broken = 0
    var clicks = ClickCounter()

    mutating func add(_ samples: UnsafeBufferPointer<Float>) {
      for sample in samples {
        guard sample.isFinite else {
          broken += 1
          continue
        }
        sum += Double(sample)
        squares += Double(sample) * Double(sample)
        if abs(sample) > peak { peak = abs(sample) }
      }
      count += samples.count
      clicks.add(samples)
    }

    func result(_ name: String) -> SoundMeasurement.Channel {
      let number = Double(max(count, 1))
      return SoundMeasurement.Channel(
        name: name, peak: Decibels(amplitude: Double(peak)), rms: Decibels(amplitude: (squares / number).squareRoot()),
        offset: sum / number, clicks: clicks.count, broken: broken)
    }
  }
}

extension SoundMeasurement {
  var text: String {
    func units(_ value: Double?) -> String { value.map { "\(fixed($0, 2)) LUFS" } ?? "none" }
    var lines = ["\(fixed(seconds, 2)) s, \(rate.hertz) Hz, \(channels.count) channels, \(format)"]
    lines.append("loudness       \(units(loudness.integrated))")
    lines.append("  range        \(loudness.range.map { "\(fixed($0, 1)) LU" } ?? "none")")
    lines.append("  momentary    \(units(loudness.highestMomentary)) at most")
    lines.append("  short-term   \(units(loudness.highestShortTerm)) at most")
    lines.append("true peak      \(fixed(loudness.truePeak.value, 2)) dBTP")
    lines.append("sample peak    \(fixed(loudness.samplePeak.value, 2)) dBFS")
    for channel in channels {
      var line = "  \(padded(channel.name, 4))  rms \(padded(fixed(channel.rms.value, 2), 7)) dBFS"
      line += "  peak \(padded(fixed(channel.peak.value, 2), 7)) dBFS  dc \(padded(fixed(channel.offset, 6), 9))"
      line += "  clicks \(channel.clicks)"
      if channel.broken > 0 { line += "  \(channel.broken) samples are no numbers" }
      lines.append(line)
    }
    if !clickTimes.isEmpty {
      lines.append("clicks at      " + clickTimes.map { "\(fixed($0, 3)) s" }.joined(separator: ", "))
    }
    return lines.joined(separator: "\n")
  }

  /// One JSON object without line breaks.
  var json: String {
    var fields = JSONFields()
    fields.add("seconds", seconds)
    fields.add("rate", rate.hertz)
    fields.add("format", format)
    fields.add("integrated_lufs", loudness.integrated, 2)
    fields.add("range_lu", loudness.range, 2)
    fields.add("momentary_max_lufs", loudness.highestMomentary, 2)
    fields.add("short_term_max_lufs", loudness.highestShortTerm, 2)
    fields.add("true_peak_dbtp", loudness.truePeak.value, 2)
    fields.add("sample_peak_dbfs", loudness.samplePeak.value, 2)
    fields.add("clicks", clicks)
    fields.add("click_seconds", clickTimes.map { fixed($0, 4) })
    fields.add(
      "channels",
      channels.map { channel in
        var own = JSONFields()
        own.add("name", channel.name)
        own.add("rms_dbfs", channel.rms.value, 2)
        own.add("peak_dbfs", channel.peak.value, 2)
        own.add("dc", channel.offset, 7)
        own.add("clicks", channel.clicks)
        own.add("broken_samples", channel.broken)
        return own.text
      })
    return fields.text
  }
}
