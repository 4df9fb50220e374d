import AudioCore
import Control

/// One line of status as a bar wants it. Pure: the same facts give the same bytes.
enum StatusLine {
  enum Format: String, CaseIterable {
    case waybar, i3blocks, jsonl, plain
  }

  /// Without its newline.
  static func line(_ facts: StatusFacts, _ format: Format) -> String {
    switch format {
    case .plain: oneLine(text(facts))
    case .waybar:
      // Waybar reads markup.
      JSON.object([
        "text": .string(markup(oneLine(text(facts)))), "tooltip": .string(markup(tooltip(facts))),
        "class": JSON(classes(facts)), "percentage": JSON(percentage(facts)),
      ]).text
    case .i3blocks:
      JSON.object([
        "full_text": .string(oneLine(text(facts))), "short_text": .string(oneLine(short(facts))),
        "color": .string(colour(facts)),
      ]).text
    case .jsonl: json(facts).text
    }
  }

  static func text(_ facts: StatusFacts) -> String {
    if facts.absence != nil { return "streamd off" }
    var parts: [String] = []
    if facts.state == "degraded" { parts.append("degraded") }
    switch facts.sessions.count {
    case 0: parts.append("no session")
    case 1: parts.append("1 session")
    case let count: parts.append("\(count) sessions")
    }
    if let mic = facts.mic, mic == "muted" || mic == "degraded" || facts.talkers > 0 { parts.append("mic \(mic)") }
    if facts.isBypassed { parts.append("bypass") }
    if let peak = facts.peak { parts.append(peak <= .floor ? "silent" : "\(fixed(peak.value, 0)) dB") }
    return parts.joined(separator: ", ")
  }

  private static func short(_ facts: StatusFacts) -> String {
    facts.absence != nil ? "off" : facts.state == "degraded" ? "degraded" : "\(facts.sessions.count)"
  }

  static func tooltip(_ facts: StatusFacts) -> String {
    if let absence = facts.absence { return "streamd: \(absence)" }
    var lines = ["streamd: \(facts.state)"] + facts.problems.map { "problem: \($0)" } + facts.sessions
    if let mic = facts.mic { lines.append("microphone: \(mic), talkers: \(facts.talkers)") }
    if let profile = facts.profile { lines.append("profile: \(profile)\(facts.isBypassed ? ", bypassed" : "")") }
    return lines.joined(separator: "\n")
  }

  /// For a style sheet: how it is, and what else is worth a colour.
  static func classes(_ facts: StatusFacts) -> [String] {
    if facts.absence != nil { return ["gone"] }
    var classes = [facts.state.isEmpty ? "idle" : facts.state]
    if facts.mic == "muted" { classes.append("mic-muted") }
    if facts.mic == "live" { classes.append("mic-live") }
    if facts.isBypassed { classes.append("bypass") }
    return classes
  }

  /// −60…0 dBFS as 0…100.
  static func percentage(_ facts: StatusFacts) -> Int {
    guard facts.absence == nil, let peak = facts.peak else { return 0 }
    return Int((min(max((peak.value + 60) / 60, 0), 1) * 100).rounded())
  }

  private static func colour(_ facts: StatusFacts) -> String {
    if facts.absence != nil { return "#888888" }
    return facts.state == "degraded" ? "#d08770" : facts.sessions.isEmpty ? "#888888" : "#a3be8c"
  }

  private static func json(_ facts: StatusFacts) -> JSON {
    if let absence = facts.absence { return ["state": "gone", "reason": .string(absence)] }
    var members: JSONObject = [
      "state": .string(facts.state), "problems": JSON(facts.problems), "sessions": JSON(facts.sessions),
      "mic": facts.mic.map { .string($0) } ?? .null, "talkers": JSON(facts.talkers),
      "peak_dbfs": facts.peak.map { JSON($0.value) } ?? .null,
    ]
    if let profile = facts.profile {
      members["profile"] = .string(profile)
      members["bypass"] = .bool(facts.isBypassed)
    }
    return .object(members)
  }

  /// Names come from anywhere; a bar reads lines.
  private static func oneLine(_ text: String) -> String {
    String(text.map { $0.isNewline || $0 == "\t" || ($0.asciiValue ?? 32) < 32 ? " " : $0 })
  }

  private static func markup(_ text: String) -> String {
    var result = ""
    for character in text {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      default: result.append(character)
      }
    }
    return result
  }
}
