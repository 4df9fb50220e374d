import Control
import Glibc

/// Duplex channels: how they fare and how loud they are; mutes, gates, configurations.
enum ChannelsCommand: Command {
  static let name = "channels"
  static let summary = "duplex channels: devices, levels, mute and gate, configuration"
  static let usage = """
    usage: streamctl channels [--watch]                         devices and levels
           streamctl channels mute|unmute|open|shut NUMBER      whether one is heard
           streamctl channels config [FILE [--save]]            shows the configuration, or takes over FILE; - reads it
           streamctl channels save                              what is now is so from the next start on, too
           streamctl channels reset                             goes back to what the daemon's files say
    FILE is JSON in the form of config.json. What it leaves out stays; one that is wrong changes nothing. Without --save
    it holds until the daemon ends.
    """
  static let flags: Set<String> = ["--watch", "--save"]

  static func run(_ options: Options) throws -> ExitStatus {
    switch options.words.first {
    case nil, "list":
      try options.refuseWords(beyond: 1)
      return try options.has("--watch") ? watch(options) : list(options)
    case "mute": try set(options, ["mute": true])
    case "unmute": try set(options, ["mute": false])
    case "open": try set(options, ["gate_open": true])
    case "shut": try set(options, ["gate_open": false])
    case "config": try configure(options)
    case "save":
      try options.refuseWords(beyond: 1)
      take(try options.connect().request("channels.configure", ["config": [:], "save": true]), "saved", options)
    case "reset":
      try options.refuseWords(beyond: 1)
      take(try options.connect().request("channels.reset"), "as the files say", options)
    case let word?:
      throw Failure(.usage, "usage", "unknown action \(word): list, mute, unmute, open, shut, config, save or reset")
    }
    return .ok
  }

  private static func list(_ options: Options) throws -> ExitStatus {
    let reply = try options.connect().request("channels.list")
    if options.asJSON {
      print(reply.text)
    } else {
      for line in lines(reply) { print(line) }
    }
    return reply["state"] == "degraded" ? .degraded : .ok
  }

  static func lines(_ reply: JSON) -> [String] {
    let channels = reply["logical_channels"]?.objectValue ?? [:]
    if channels.isEmpty { return ["no channel is configured"] }
    var lines = [
      "\(reply["state"]?.plain ?? ""): \(reply["sample_rate"]?.plain ?? "") Hz, \(reply["channels"]?.plain ?? "") channels, "
        + "\(reply["xruns"]?.plain ?? "") xruns, \(reply["cpu_pct"]?.plain ?? "") % of a core"
        + (reply["configuration"] == "changed" ? ", changed and not saved" : "")
    ]
    for (number, channel) in channels {
      let name = channel["name"]?.plain ?? ""
      let vu = reply["vu"]?[number] ?? .null
      let isHeard = channel["mute"] != true && channel["gate_open"] == true
      lines.append(
        "\(number)\(name.isEmpty ? "" : " \(name)"): \(side(channel["input"])) -> \(side(channel["output"])), "
          + "\(vu["input_dbfs"]?.plain ?? "") in, \(vu["dbfs"]?.plain ?? "") dBFS out, "
          + "\(channel["latency_ms"]?.plain ?? "") ms"
          + (isHeard ? "" : channel["mute"] == true ? ", muted" : ", gate shut"))
      for name in ["input", "output"] {
        if let message = channel[name]?["message"] { lines.append("   \(name): \(message.plain)") }
      }
    }
    return lines
  }

  private static func side(_ side: JSON?) -> String {
    let found = side?["description"]?.plain ?? side?["name"]?.plain
    let words = found ?? side?["asked"]?.plain ?? ""
    return side?["state"] == "running" ? words : "\(words) (\(side?["state"]?.plain ?? ""))"
  }

  private static func watch(_ options: Options) throws -> ExitStatus {
    let client = try options.connect()
    _ = try client.request("subscribe", ["topics": ["meters"], "rate": 10])
    while let event = try client.nextEvent() {
      if event.topic == "bye" { return .ok }
      if options.asJSON {
        print(JSON.object(event.line).text)
      } else {
        let levels = event.data["channels"]?.arrayValue ?? []
        print(levels.map { "\($0["channel"]?.plain ?? "") \(bar(power(of: $0)))" }.joined(separator: "  "))
      }
      fflush(nil)
    }
    return .ok
  }

  /// The mean power of all channels of one, as a VU meter shows it.
  static func power(of reading: JSON) -> Double {
    let levels = (reading["rms_dbfs"]?.arrayValue ?? []).map { pow(10, ($0.doubleValue ?? -120) / 10) }
    let mean = levels.reduce(0, +) / Double(max(levels.count, 1))
    return max(10 * log10(max(mean, 1e-12)), -60)
  }

  /// Twenty steps of three decibels.
  static func bar(_ level: Double) -> String {
    let steps = min(max(Int(((level + 60) / 3).rounded()), 0), 20)
    let number = "\((level * 10).rounded() / 10)"
    return String(repeating: "#", count: steps) + String(repeating: ".", count: 20 - steps)
      + String(repeating: " ", count: max(6 - number.count, 1)) + number
  }

  private static func set(_ options: Options, _ change: JSONObject) throws {
    guard options.words.count == 2, let number = Int(options.words[1]) else {
      throw Failure(.usage, "usage", "\(options.words[0]) needs a channel's number")
    }
    var arguments = change
    arguments["channel"] = JSON(number)
    let reply = try options.connect().request("channels.set", arguments)
    if options.asJSON { return print(reply.text) }
    print(
      "channel \(number): \(reply["mute"] == true ? "muted" : "not muted"), gate \(reply["gate_open"] == true ? "open" : "shut")"
    )
  }

  private static func document(_ path: String) throws -> JSON {
    try JSONFile.read(path == "-" ? "/dev/stdin" : path, longest: 1 << 20, noun: "configuration of channels")
  }

  private static func configure(_ options: Options) throws {
    try options.refuseWords(beyond: 2)
    guard options.words.count == 2 else { return print(try options.connect().request("channels.config").text) }
    let document = try Self.document(options.words[1])
    guard document.objectValue != nil else {
      throw Failure(.usage, "usage", "\(options.words[1]) is no configuration of channels")
    }
    let config = try options.connect().request(
      "channels.configure", ["config": document, "save": .bool(options.has("--save"))])
    take(config, options.has("--save") ? "taken over, and saved" : "taken over until the daemon ends", options)
  }

  private static func take(_ config: JSON, _ text: String, _ options: Options) {
    print(options.asJSON ? config.text : text)
  }
}
