import Control
import Glibc

/// Lists devices, finds one, waits for one, or tells of those that come and go.
enum DevicesCommand: Command {
  static let name = "devices"
  static let summary = "microphones, sinks and sound cards, and how to name them"
  static let usage = """
    usage: streamctl devices [--inputs|--outputs] [--backend pipewire|alsa|jack] [--watch]
           streamctl devices find DEVICE
           streamctl devices wait DEVICE [--timeout SECONDS]
    DEVICE is an id, a name, a description, or a pattern with * and ?. An id stays with its device, wherever it is plugged
    in and whatever it is named. --watch goes on with a line for each device that comes, goes or changes.
    """
  static let flags: Set<String> = ["--inputs", "--outputs", "--watch"]
  static let values: Set<String> = ["--backend", "--timeout"]

  static func run(_ options: Options) throws -> ExitStatus {
    switch options.words.first {
    case nil, "list":
      try options.refuseWords(beyond: options.words.count)
      return try options.has("--watch") ? watch(options) : list(options)
    case "find": return try ask(options, "device_find")
    case "wait": return try ask(options, "device_wait")
    case let word?: throw Failure(.usage, "usage", "unknown action \(word): list, find or wait")
    }
  }

  private static func scope(_ options: Options) throws -> JSONObject {
    var arguments = JSONObject()
    if options.has("--inputs") && options.has("--outputs") {
      throw Failure(.usage, "usage", "--inputs or --outputs: without either both are shown")
    }
    if options.has("--inputs") { arguments["direction"] = "input" }
    if options.has("--outputs") { arguments["direction"] = "output" }
    if let backend = options.value("--backend") { arguments["backend"] = .string(backend) }
    return arguments
  }

  private static func list(_ options: Options) throws -> ExitStatus {
    let reply = try options.connect().request("device_list", try scope(options))
    if options.asJSON {
      print(reply.text)
      return .ok
    }
    show(reply)
    return .ok
  }

  private static func show(_ reply: JSON) {
    let devices = reply["devices"]?.arrayValue ?? []
    for direction in ["input", "output"] {
      let some = devices.filter { $0["direction"]?.stringValue == direction }
      if some.isEmpty { continue }
      print(direction + "s")
      for device in some { print(lines(device)) }
    }
    if devices.isEmpty { print("no device") }
    for (name, state) in reply["backends"]?.objectValue ?? [:] {
      if let message = state["message"] { Console.note("\(name): \(message.plain)") }
    }
  }

  private static func ask(_ options: Options, _ verb: String) throws -> ExitStatus {
    guard options.words.count == 2 else { throw Failure(.usage, "usage", "which device?") }
    var arguments = try scope(options)
    arguments["device"] = .string(options.words[1])
    let limit = try options.number("--timeout", in: 0...3600)
    if verb == "device_wait" { arguments["timeout"] = JSON(limit ?? 10) }
    let client = try options.connect()
    let reply = try client.request(verb, arguments, timeout: .seconds((limit ?? 10) + 10))
    print(options.asJSON ? reply.text : lines(reply["device"] ?? .null))
    return .ok
  }

  private static func watch(_ options: Options) throws -> ExitStatus {
    let scope = try scope(options)
    let client = try options.connect()
    let reply = try client.request("subscribe", ["topics": ["devices"]])
    if options.asJSON {
      print(reply["topics"]?["devices"]?["snapshot"]?.text ?? "null")
    } else {
      show(try client.request("device_list", scope))
    }
    fflush(nil)
    while let event = try client.nextEvent() {
      if event.topic == "bye" { return .ok }
      let device = event.data["device"] ?? .null
      let fits = ["direction", "backend"].allSatisfy { key in
        scope[key] == nil || (event.data[key] ?? device[key]) == scope[key]
      }
      guard event.topic == "devices", fits else { continue }
      print(options.asJSON ? JSON.object(event.line).text : line(event.data))
      fflush(nil)
    }
    return .ok
  }

  private static func line(_ change: JSON) -> String {
    let device = change["device"] ?? .null
    guard change["change"] == "default" else { return "\(change["change"]?.plain ?? "") \(lines(device).trimmedStart)" }
    let name = device.isNull ? "none" : device["name"]?.plain ?? ""
    return "default \(change["direction"]?.plain ?? ""): \(name)"
  }

  static func lines(_ device: JSON) -> String {
    let word = { (key: String) in device[key]?.plain ?? "" }
    let channels = device["channels"]?.arrayValue?.map(\.plain).joined(separator: ",") ?? ""
    var rates = device["rates"]?.arrayValue?.map(\.plain).joined(separator: ", ") ?? ""
    if let range = device["rate_range"]?.arrayValue, range.count == 2 {
      rates = "\(range[0].plain) to \(range[1].plain)"
    }
    let facts = [
      channels, rates.isEmpty ? "" : rates + " Hz", device["ours"] == true ? "streamd's own" : "", word("held_back"),
    ].filter { !$0.isEmpty }.joined(separator: "; ")
    return """
      \(device["default"] == true ? "*" : " ") \(word("description"))\(facts.isEmpty ? "" : " (\(facts))")
          name \(word("name"))\(word("number").isEmpty ? "" : ", number \(word("number"))")
          id   \(word("id"))
      """
  }
}

extension String {
  fileprivate var trimmedStart: String { String(drop { $0 == " " || $0 == "*" }) }
}
