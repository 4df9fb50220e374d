import Control
import Glibc

/// Push-to-talk, for keys.
enum PTTCommand: Command {
  static let name = "ptt"
  static let summary = "push-to-talk: press, release, toggle, hold, rule, leave, list"
  static let usage = """
    usage: streamctl ptt press   [TARGET] [--seconds N] [--holder NAME]
           streamctl ptt release [TARGET] [--holder NAME]
           streamctl ptt toggle  [TARGET] [--seconds N] [--holder NAME]
           streamctl ptt hold    [TARGET]      open until this program ends, however it ends
           streamctl ptt rule    [TARGET]      shut from now on unless it is held
           streamctl ptt leave   [TARGET]      not ruled any more
           streamctl ptt [list]
    TARGET: mic (all clients), mic:NAME, node:NAME of the graph, channel:NAME; mic if left out. docs/PTT.md has bindings for
    desktops. A press ends by itself after 60 s, a toggle after 10 min, if nobody ends it before.
    """
  static let values: Set<String> = ["--seconds", "--holder"]

  static func run(_ options: Options) throws -> ExitStatus {
    let word = options.words.first ?? "list"
    try options.refuseWords(beyond: word == "list" ? 1 : 2)
    if word == "list" {
      list(try options.connect().request("ptt.list"), options)
      return .ok
    }
    var arguments: JSONObject = ["target": .string(options.words.count == 2 ? options.words[1] : "mic")]
    if let holder = options.value("--holder") { arguments["holder"] = .string(holder) }
    if let seconds = try options.number("--seconds", in: 0.001...3600) {
      arguments["ttl_ms"] = JSON(Int(seconds * 1000))
    }
    switch word {
    case "press", "toggle":
      tell(try options.connect().request("ptt.\(word)", arguments), options)
    case "release":
      arguments["ttl_ms"] = nil
      tell(try options.connect().request("ptt.release", arguments), options)
    case "rule", "leave":
      let ruled: JSONObject = ["target": arguments["target"] ?? "mic", "ruled": .bool(word == "rule")]
      tell(try options.connect().request("ptt.rule", ruled), options)
    case "hold": return try hold(["target": arguments["target"] ?? "mic", "while_connected": true], options)
    default: throw Failure(.usage, "usage", usage)
    }
    return .ok
  }

  /// The connection is the hold: when this process ends, so does it.
  private static func hold(_ arguments: JSONObject, _ options: Options) throws -> ExitStatus {
    let client = try options.connect()
    tell(try client.request("ptt.press", arguments), options)
    fflush(nil)
    while let event = try client.nextEvent() {
      if event.topic == "bye" { throw Failure(.notRunning, "closed", "the daemon has ended") }
    }
    return .ok
  }

  private static func tell(_ report: JSON, _ options: Options) {
    print(options.asJSON ? report.text : line(report))
  }

  private static func list(_ report: JSON, _ options: Options) {
    if options.asJSON { return print(report.text) }
    let targets = report["targets"]?.arrayValue ?? []
    if targets.isEmpty { Console.note("push-to-talk rules nothing") }
    for target in targets { print(line(target)) }
  }

  private static func line(_ report: JSON) -> String {
    let isRuled = report["ruled"] == true
    // What is still open a moment after the last release is as good as shut.
    let isOpen = report["open"] == true && (!isRuled || report["holders"]?.intValue != 0)
    var text = "\(report["target"]?.plain ?? "") \(isOpen ? "open" : "shut")"
    if !isRuled { text += ", not ruled" }
    if let left = report["ends_in_ms"]?.intValue { text += ", for \((left + 999) / 1000) s at most" }
    return text
  }
}
