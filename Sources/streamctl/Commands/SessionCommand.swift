import Control
import Glibc

/// Opens, changes, lists and closes sessions.
enum SessionCommand: Command {
  static let name = "session"
  static let summary = "open, change, list or close sessions"
  static let usage = """
    usage: streamctl session open --to HOST:PORT [options]     prints the SDP a player needs
             --channels 1|2|6|8  --bitrate N  --frame 2.5|5|10|20  --target default-sink|sink:NAME  --bus NAME
             --latency low|balanced|relaxed  --name NAME  --payload-type N  --capture-time  --vbr  --gain DB  --no-limiter
             --capture-mode monitor|streams|auto  --pacing ready|even|auto  --host-audio keep|mute|mirror|virtual_only
           streamctl session update ID [--gain DB] [--mute|--unmute] [--bitrate N]
           streamctl session list
           streamctl session close ID
    """
  static let flags: Set<String> = ["--capture-time", "--vbr", "--no-limiter", "--mute", "--unmute"]
  static let values: Set<String> = [
    "--to", "--channels", "--bitrate", "--frame", "--target", "--latency", "--name", "--payload-type", "--gain",
    "--capture-mode", "--pacing", "--host-audio", "--bus",
  ]

  static func run(_ options: Options) throws -> ExitStatus {
    switch options.words.first {
    case "open": try open(options)
    case "update": try update(options)
    case "list": try list(options)
    case "close": try close(options)
    case let word:
      throw Failure(
        .usage, "usage", (word.map { "unknown action \($0)" } ?? "which action?") + ": open, update, list or close")
    }
    return .ok
  }

  /// The options as arguments of `session.open`; whatever is left out, the daemon decides.
  static func arguments(_ options: Options) throws -> JSONObject {
    var arguments = JSONObject()
    let texts = [
      ("--to", "to"), ("--target", "target"), ("--latency", "latency"), ("--name", "name"),
      ("--capture-mode", "capture_mode"), ("--pacing", "pacing"), ("--host-audio", "host_audio"),
      ("--bus", "bus"),
    ]
    for (option, key) in texts {
      if let value = options.value(option) { arguments[key] = .string(value) }
    }
    if let value = try options.integer("--channels", in: 1...8) { arguments["channels"] = JSON(value) }
    if let value = try options.integer("--bitrate", in: 1...10_000_000) { arguments["bitrate"] = JSON(value) }
    if let value = try options.integer("--payload-type", in: 0...127) { arguments["payload_type"] = JSON(value) }
    if let value = try options.number("--frame", in: 0...120) { arguments["frame_ms"] = JSON(value) }
    if let value = try options.number("--gain", in: -200...200) { arguments["gain_db"] = JSON(value) }
    if options.has("--capture-time") { arguments["capture_time"] = true }
    if options.has("--vbr") { arguments["vbr"] = true }
    if options.has("--no-limiter") { arguments["limiter"] = false }
    return arguments
  }

  private static func open(_ options: Options) throws {
    try options.refuseWords(beyond: 1)
    let arguments = try arguments(options)
    guard arguments["to"] != nil else { throw Failure(.usage, "usage", "session open needs --to HOST:PORT") }
    let reply = try options.connect().request("session.open", arguments)
    if options.asJSON {
      print(reply.text)
    } else {
      // Standard output is the description alone, so that it can be redirected into a file.
      Console.note("session \(line(reply["session"] ?? .null))")
      print(reply["sdp"]?.plain ?? "", terminator: "")
    }
  }

  private static func update(_ options: Options) throws {
    try options.refuseWords(beyond: 2)
    guard options.words.count == 2 else { throw Failure(.usage, "usage", "session update needs the session's id") }
    guard !(options.has("--mute") && options.has("--unmute")) else {
      throw Failure(.usage, "usage", "--mute and --unmute contradict each other")
    }
    var arguments: JSONObject = ["session": .string(options.words[1])]
    if let value = try options.number("--gain", in: -200...200) { arguments["gain_db"] = JSON(value) }
    if let value = try options.integer("--bitrate", in: 1...10_000_000) { arguments["bitrate"] = JSON(value) }
    if options.has("--mute") || options.has("--unmute") { arguments["mute"] = .bool(options.has("--mute")) }
    guard arguments.count > 1 else { throw Failure(.usage, "usage", "session update needs something to change") }
    let reply = try options.connect().request("session.update", arguments)
    print(options.asJSON ? reply.text : line(reply["session"] ?? .null))
  }

  private static func list(_ options: Options) throws {
    try options.refuseWords(beyond: 1)
    let reply = try options.connect().request("session.list")
    if options.asJSON { return print(reply.text) }
    let sessions = reply["sessions"]?.arrayValue ?? []
    if sessions.isEmpty { print("no session is open") }
    for session in sessions { print(line(session)) }
  }

  private static func close(_ options: Options) throws {
    try options.refuseWords(beyond: 2)
    guard options.words.count == 2 else { throw Failure(.usage, "usage", "session close needs the session's id") }
    let reply = try options.connect().request("session.close", ["session": .string(options.words[1])])
    print(options.asJSON ? reply.text : "closed \(line(reply["session"] ?? .null))")
  }

  static func line(_ session: JSON) -> String {
    let word = { (key: String) in session[key]?.plain ?? "" }
    let name = word("name").isEmpty ? "" : " \"\(word("name"))\""
    let reason = session["reason"].map { ": \($0.plain)" } ?? ""
    let sent = session["sent"]?["packets"]?.plain ?? "0"
    return "\(word("session"))\(name) to \(word("to")), \(word("channels")) ch, \(word("bitrate")) bit/s, "
      + "\(word("frame_ms")) ms, \(sent) packets, \(word("state"))\(reason)"
  }
}
