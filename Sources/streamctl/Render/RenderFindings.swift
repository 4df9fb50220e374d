import AudioCore
import Mixer

/// What a chain made of a sound, in figures.
struct RenderFindings {
  let chain: String
  let latency: FrameCount
  let before: SoundMeasurement
  let after: SoundMeasurement
  let speed: Int
  let written: [String]

  var text: String {
    var lines = ["\(chain): \(fixed(after.seconds, 2)) s, \(speed) times real time, delay \(latency.value) frames"]
    lines.append("                   before        after")
    func row(_ name: String, _ unit: String, _ one: Double?, _ two: Double?) {
      let values = [one, two].map { value in padded(value.map { fixed($0, 2) } ?? "none", 13) }.joined()
      lines.append(name + String(repeating: " ", count: 12 - name.count) + values + "  " + unit)
    }
    row("loudness", "LUFS", before.loudness.integrated, after.loudness.integrated)
    row("range", "LU", before.loudness.range, after.loudness.range)
    row("momentary", "LUFS at most", before.loudness.highestMomentary, after.loudness.highestMomentary)
    row("short-term", "LUFS at most", before.loudness.highestShortTerm, after.loudness.highestShortTerm)
    row("true peak", "dBTP", before.loudness.truePeak.value, after.loudness.truePeak.value)
    lines.append("clicks      " + [before, after].map { padded(String($0.clicks), 13) }.joined())
    if !written.isEmpty { lines.append("written: " + written.joined(separator: ", ")) }
    return lines.joined(separator: "\n")
  }

  var json: String {
    var fields = JSONFields()
    fields.add("ok", true)
    fields.add("chain", chain)
    fields.add("latency_frames", latency.value)
    fields.add("speed", speed)
    fields.add("before", raw: before.json)
    fields.add("after", raw: after.json)
    fields.add("written", written.map(JSONFields.quoted))
    return fields.text
  }
}
