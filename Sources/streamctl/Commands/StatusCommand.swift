import Control
import Glibc

/// How the daemon is. Exit status 7 when something is wrong.
enum StatusCommand: Command {
  static let name = "status"
  static let summary = "state, problems, captures and sessions"
  static let usage = "usage: streamctl status [--json]\nExit status 7 when the daemon is degraded."

  static func run(_ options: Options) throws -> ExitStatus {
    try options.refuseWords(beyond: 0)
    let status = try options.connect().request("status")
    let degraded = status["state"] == "degraded"
    if options.asJSON {
      print(status.text)
    } else {
      for line in text(status) { print(line) }
    }
    return degraded ? .degraded : .ok
  }

  private static func text(_ status: JSON) -> [String] {
    let word = { (json: JSON, key: String) in json[key]?.plain ?? "" }
    var lines = ["streamd \(word(status, "version")): \(word(status, "state")), up \(word(status, "uptime_s")) s"]
    for problem in status["problems"]?.arrayValue ?? [] {
      let hint = problem["hint"].map { " (\($0.plain))" } ?? ""
      lines.append("  problem  \(word(problem, "target")): \(word(problem, "message"))\(hint)")
    }
    for capture in status["captures"]?.arrayValue ?? [] {
      let device = capture["device"].map { " \"\($0.plain)\"" } ?? ""
      lines.append(
        "  capture  \(word(capture, "target")) \(word(capture, "state"))\(device), quantum \(word(capture, "quantum")) at "
          + "\(word(capture, "graph_rate")) Hz, \(word(capture, "scheduling"))")
    }
    for session in status["sessions"]?.arrayValue ?? [] { lines.append("  session  " + SessionCommand.line(session)) }
    return lines
  }
}

extension JSON {
  /// As a person writes it: strings without quotes.
  var plain: String { stringValue ?? text }
}
