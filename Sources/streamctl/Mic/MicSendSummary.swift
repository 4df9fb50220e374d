import Control

/// What was sent, and what came of it where that can be asked.
struct MicSendSummary {
  var counts: MicTalkCounts
  /// Packets a full local socket did not take.
  var refused = 0
  /// The host's own words about the microphone.
  var host: JSON?

  private var seconds: Double { Double(counts.frames) / 48_000 }
  private var kilobits: Double { seconds > 0 ? Double(counts.opusBytes) * 8 / seconds / 1000 : 0 }

  var text: String {
    var parts = ["sent \(fixed(seconds, 1)) s: \(counts.packets) packets, \(fixed(kilobits, 1)) kbit/s"]
    if counts.silent > 0 {
      parts[0] += ", \(counts.silent) silent, \(counts.pauses) pauses, \(counts.keepalives) keepalives"
    }
    if counts.skipped > 0 { parts[0] += ", \(fixed(Double(counts.skipped) / 48, 0)) ms skipped" }
    if refused > 0 { parts[0] += ", \(refused) found no room" }
    if let faults = counts.faults {
      parts.append(
        "injected: lost \(faults.lost), reordered \(faults.reordered), duplicated \(faults.duplicated), "
          + "delayed \(faults.delayed)")
    }
    if let host {
      let word = { (key: String) in host[key]?.plain ?? "-" }
      parts.append(
        "host: received \(word("received")), lost \(word("lost")), late \(word("late")), "
          + "duplicates \(word("duplicates")), concealed \(word("concealed_ms")) ms")
    }
    return parts.joined(separator: "\n")
  }

  var json: String {
    var fields = JSONFields()
    fields.add("summary", true)
    fields.add("seconds", seconds)
    fields.add("packets", counts.packets)
    fields.add("opus_bytes", counts.opusBytes)
    fields.add("kbit_s", kilobits, 1)
    fields.add("silent", counts.silent)
    fields.add("pauses", counts.pauses)
    fields.add("keepalives", counts.keepalives)
    fields.add("skipped_frames", counts.skipped)
    fields.add("refused", refused)
    if let faults = counts.faults { fields.add("injected", raw: faults.json) }
    if let host { fields.add("host", raw: host.text) }
    return fields.text
  }
}
