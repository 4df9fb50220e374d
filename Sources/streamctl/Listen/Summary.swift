import AudioCore
import Glibc
import VirtualMic

/// What a receiver heard and counted, for people, for scripts and for the demo's verdict.
struct Summary: Sendable {
  struct Channel: Hashable, Sendable {
    var name: String
    /// Over the measured span.
    var level: LevelReading
    /// The strongest sine of the last 0.7 seconds.
    var frequency: Double?
    /// Peak level of that sine.
    var tone: Decibels?
    /// Breaks in a steady tone; nil when there is none to judge by.
    var breaks: Int?
  }

  var channels: [Channel]
  /// Length of the measured span: from half a second after the first sound packet.
  var measured: HostDuration
  var packets: UInt64
  var network: JitterStatistics
  /// Datagrams that were no packets of this stream.
  var malformed: UInt64
  var corrupt: UInt64
  /// Of the measured span only.
  var spanLost: UInt64
  var spanConcealed: HostDuration
  var jitter: HostDuration
  var latencyP50: HostDuration?
  var latencyP99: HostDuration?
  var recordingError: String?
  /// Of a stream that protects itself.
  var protection: ProtectionReport?
  var injected: FaultCounts?
}

/// The tone that a channel is expected to carry; level as the sine's peak.
struct ExpectedTone: Hashable, Sendable {
  var frequency: Double
  var level: Decibels
}

extension Summary {
  /// Silence that a codec makes of silence, with what leaks from a coupled neighbour.
  static let silenceLimit = Decibels(-50)

  /// What differs from one steady tone a channel (nil: silence), unbroken and without loss over the measured span.
  /// Empty when all is well.
  func faults(expecting tones: [ExpectedTone?], within tolerance: Decibels = Decibels(0.5)) -> [String] {
    guard packets > 0 else { return ["no packets arrived"] }
    guard measured >= .seconds(1) else {
      return ["only \(fixed(measured.milliseconds, 0)) ms of sound could be measured"]
    }
    guard tones.count == channels.count else {
      return ["\(channels.count) channels arrived where \(tones.count) were expected"]
    }
    var faults: [String] = []
    if spanLost > 0 { faults.append("\(spanLost) packets lost") }
    if spanConcealed > .zero { faults.append("\(fixed(spanConcealed.milliseconds, 1)) ms concealed") }
    if corrupt > 0 { faults.append("\(corrupt) packets could not be decoded") }
    for (channel, tone) in zip(channels, tones) { faults += channel.faults(expecting: tone, within: tolerance) }
    return faults
  }

  func intact(expecting tones: [ExpectedTone?], within tolerance: Decibels = Decibels(0.5)) -> Bool {
    faults(expecting: tones, within: tolerance).isEmpty
  }

  /// With the strongest sine of each channel's samples.
  func withTones(_ samples: [[Float]]) -> Summary {
    var summary = self
    for (index, channel) in samples.enumerated() {
      guard let tone = Spectrum.dominant(channel) else { continue }
      summary.channels[index].frequency = tone.frequency
      summary.channels[index].tone = Decibels(amplitude: tone.amplitude)
    }
    return summary
  }

  var text: String {
    var lines = ["heard \(fixed(measured.milliseconds / 1000, 1)) s"]
    for channel in channels {
      var line = "  \(padded(channel.name, 4))  rms \(padded(fixed(channel.level.rms.value, 1), 6)) dBFS"
      line += "  peak \(padded(fixed(channel.level.peak.value, 1), 6)) dBFS"
      if let frequency = channel.frequency, let tone = channel.tone {
        line += "  strongest \(padded(fixed(frequency, 1), 8)) Hz at \(fixed(tone.value, 2)) dBFS"
      }
      if let breaks = channel.breaks { line += breaks == 0 ? "  unbroken" : "  \(breaks) breaks" }
      lines.append(line)
    }
    lines.append(
      "packets \(packets), lost \(network.lost), late \(network.late), duplicate \(network.duplicates), "
        + "reordered \(network.reordered), malformed \(malformed), corrupt \(corrupt)")
    lines.append(
      "concealed \(fixed(Double(network.concealedFrames) / 48, 1)) ms, jitter \(fixed(jitter.milliseconds, 2)) ms")
    if let protection { lines.append(protection.text) }
    if let injected { lines.append(injected.text) }
    if let latencyP50, let latencyP99 {
      lines.append(
        "from when the sink plays it to arrival p50 \(fixed(latencyP50.milliseconds, 2)) ms, p99 \(fixed(latencyP99.milliseconds, 2)) ms"
      )
    }
    if let recordingError { lines.append("recording stopped: \(recordingError)") }
    return lines.joined(separator: "\n")
  }

  /// One JSON object without line breaks.
  var json: String {
    var fields = JSONFields()
    fields.add("measured_seconds", measured.milliseconds / 1000)
    fields.add("channels", channels.map(\.json))
    fields.add("packets", packets)
    fields.add("lost", network.lost)
    fields.add("late", network.late)
    fields.add("duplicates", network.duplicates)
    fields.add("reordered", network.reordered)
    fields.add("restarts", network.restarts)
    fields.add("malformed", malformed)
    fields.add("corrupt", corrupt)
    fields.add("concealed_ms", Double(network.concealedFrames) / 48, 1)
    fields.add("span_lost", spanLost)
    fields.add("span_concealed_ms", spanConcealed.milliseconds, 1)
    fields.add("jitter_ms", jitter.milliseconds)
    fields.add("latency_p50_ms", latencyP50?.milliseconds)
    fields.add("latency_p99_ms", latencyP99?.milliseconds)
    protection?.add(to: &fields)
    if let injected { fields.add("injected", raw: injected.json) }
    if let recordingError { fields.add("recording_error", recordingError) }
    return fields.text
  }
}

extension Summary.Channel {
  func faults(expecting expected: ExpectedTone?, within tolerance: Decibels) -> [String] {
    guard let expected else {
      return level.rms < Summary.silenceLimit ? [] : ["\(name): \(fixed(level.rms.value, 1)) dBFS instead of silence"]
    }
    guard let frequency, let tone else { return ["\(name): no tone, \(fixed(expected.frequency, 1)) Hz expected"] }
    var faults: [String] = []
    if abs(frequency - expected.frequency) > max(1, expected.frequency / 1000) {
      faults.append("\(name): \(fixed(frequency, 1)) Hz instead of \(fixed(expected.frequency, 1)) Hz")
    }
    if abs(tone.value - expected.level.value) > tolerance.value {
      faults.append("\(name): tone at \(fixed(tone.value, 2)) dBFS instead of \(fixed(expected.level.value, 2))")
    }
    // The whole span, too: a sine's mean power is 3.01 dB under its peak.
    if abs(level.rms.value + 3.01 - expected.level.value) > tolerance.value {
      faults.append("\(name): mean level \(fixed(level.rms.value, 2)) dBFS over the whole span is off")
    }
    switch breaks {
    case nil: faults.append("\(name): no steady tone")
    case let count? where count > 0: faults.append("\(name): \(count) breaks in the tone")
    default: break
    }
    return faults
  }

  var json: String {
    var fields = JSONFields()
    fields.add("name", name)
    fields.add("rms_dbfs", level.rms.value, 2)
    fields.add("peak_dbfs", level.peak.value, 2)
    fields.add("frequency_hz", frequency, 2)
    fields.add("tone_dbfs", tone?.value, 2)
    fields.add("breaks", breaks.map(Double.init), 0)
    return fields.text
  }
}
