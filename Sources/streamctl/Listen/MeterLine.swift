import AudioCore
import VirtualMic
import Wire

/// What a receiver shows of itself while it runs. Levels are those since the previous snapshot.
struct ReceiverSnapshot: Sendable {
  var layout: ChannelLayout
  var levels: [LevelReading]
  var packets: UInt64
  var network: JitterStatistics
  var jitter: HostDuration
  /// Delay that the jitter buffer adds on purpose.
  var delay: HostDuration
  /// Sound held at the moment.
  var buffered: HostDuration
  var latencyP50: HostDuration?
  var latencyP99: HostDuration?
  /// Of a stream that protects itself.
  var protection: ProtectionReport?
  var injected: FaultCounts?

  /// One JSON object without line breaks.
  var json: String {
    var fields = JSONFields()
    let channels = zip(layout.names, levels).map { name, level in
      var channel = JSONFields()
      channel.add("name", name)
      channel.add("rms_dbfs", level.rms.value, 1)
      channel.add("peak_dbfs", level.peak.value, 1)
      return channel.text
    }
    fields.add("channels", channels)
    fields.add("packets", packets)
    fields.add("lost", network.lost)
    fields.add("late", network.late)
    fields.add("duplicates", network.duplicates)
    fields.add("jitter_ms", jitter.milliseconds)
    fields.add("delay_ms", delay.milliseconds)
    fields.add("buffer_ms", buffered.milliseconds)
    fields.add("latency_p50_ms", latencyP50?.milliseconds)
    fields.add("latency_p99_ms", latencyP99?.milliseconds)
    protection?.add(to: &fields)
    if let injected { fields.add("injected", raw: injected.json) }
    return fields.text
  }
}

/// The one line of `listen`: levels, packets, times. Refreshed in place on a terminal, one line a second elsewhere.
struct MeterLine {
  enum Style: Hashable {
    /// Rewrites its line, within this many columns.
    case terminal(columns: Int, unicode: Bool)
    case plain
  }

  let style: Style
  private var lastShown: HostTime?

  init(_ style: Style) { self.style = style }

  /// How often to ask.
  var interval: HostDuration { style == .plain ? .seconds(1) : .milliseconds(100) }

  /// What to print now, line control included; nil when it is not yet time.
  mutating func update(_ snapshot: ReceiverSnapshot, at now: HostTime) -> String? {
    if let lastShown, now - lastShown < interval { return nil }
    lastShown = now
    switch style {
    case .plain: return plain(snapshot) + "\n"
    case .terminal(let columns, let unicode):
      return "\r\u{1B}[K" + String(fitted(snapshot, columns: max(columns, 20), unicode: unicode))
    }
  }

  /// What leaves the line behind when the receiver ends.
  var end: String { style == .plain ? "" : "\n" }

  private func plain(_ snapshot: ReceiverSnapshot) -> String {
    let levels = zip(snapshot.layout.names, snapshot.levels)
      .map { "\($0) \(fixed($1.rms.value, 1))/\(fixed($1.peak.value, 1))" }
    return levels.joined(separator: " ") + " dBFS rms/peak, " + counts(snapshot, separator: ", ")
  }

  private func counts(_ snapshot: ReceiverSnapshot, separator: String) -> String {
    var parts = ["packets \(snapshot.packets)", "lost \(snapshot.network.lost)"]
    if let counts = snapshot.protection?.statistics {
      parts += ["recovered \(counts.recovered)", "concealed \(counts.concealed)"]
      if counts.skippedBlocks > 0 { parts.append("skipped blocks \(counts.skippedBlocks)") }
    }
    parts += [
      "late \(snapshot.network.late)", "dup \(snapshot.network.duplicates)",
      "jitter \(fixed(snapshot.jitter.milliseconds, 2)) ms",
    ]
    // Sound that protects itself is decoded as it comes.
    if snapshot.protection == nil { parts.append("buffer \(fixed(snapshot.delay.milliseconds, 1)) ms") }
    if let p50 = snapshot.latencyP50, let p99 = snapshot.latencyP99 {
      parts.append("latency \(fixed(p50.milliseconds, 1))/\(fixed(p99.milliseconds, 1)) ms")
    }
    return parts.joined(separator: separator)
  }

  /// Bars take what the counts leave; on a narrow terminal the counts are cut, never wrapped.
  private func fitted(_ snapshot: ReceiverSnapshot, columns: Int, unicode: Bool) -> Substring {
    let tail = counts(snapshot, separator: "  ")
    let count = max(snapshot.levels.count, 1)
    // Name, space, bar, space, five columns of level, two of gap.
    let room = (columns - 1 - tail.count) / count - 13
    let width = min(max(room, 4), 24)
    let bars = zip(snapshot.layout.names, snapshot.levels).map { name, level in
      "\(name) \(Self.bar(level, width: width, unicode: unicode)) \(padded(fixed(level.rms.value, 1), 5))"
    }
    return (bars.joined(separator: "  ") + "  " + tail).prefix(columns - 1)
  }

  /// RMS as a bar over −60…0 dBFS, peak as a mark on it.
  static func bar(_ level: LevelReading, width: Int, unicode: Bool) -> String {
    func cells(_ decibels: Decibels) -> Int {
      Int((min(max((decibels.value + 60) / 60, 0), 1) * Double(width)).rounded())
    }
    let (full, mark) = (cells(level.rms), cells(level.peak) - 1)
    let (on, off, peak): (Character, Character, Character) = unicode ? ("█", "·", "│") : ("#", ".", "|")
    return String((0..<width).map { $0 < full ? on : $0 == mark ? peak : off })
  }
}
