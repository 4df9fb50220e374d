import Control

/// `mic open`: for a client elsewhere. Whatever is left out, the daemon decides.
enum MicOpen {
  static let flags: Set<String> = ["--own-source", "--allow-plaintext", "--muted"]
  static let values: Set<String> = [
    "--protocol", "--name", "--bind", "--port", "--channels", "--rikey", "--rikeyid", "--ping-payload", "--client-ip",
  ]

  static func arguments(_ options: Options) throws -> JSONObject {
    var arguments = JSONObject()
    for option in ["--protocol", "--name", "--bind", "--rikey", "--ping-payload", "--client-ip"] {
      if let value = options.value(option) { arguments[key(option)] = .string(value) }
    }
    if let value = try options.integer("--port", in: 0...65_535) { arguments["port"] = JSON(value) }
    if let value = try options.integer("--channels", in: 1...2) { arguments["channels"] = JSON(value) }
    if let value = options.value("--rikeyid") {
      arguments["rikeyid"] = JSON(Int(try Endpoint.keyID(value, of: "--rikeyid")))
    }
    for option in flags.sorted() where options.has(option) { arguments[key(option)] = true }
    return arguments
  }

  static func run(_ options: Options) throws {
    try options.refuseWords(beyond: 1)
    let arguments = try arguments(options)
    let reply = try options.connect().request("mic.open", arguments)
    if options.asJSON { return print(reply.text) }
    print("microphone \(reply["mic"]?["mic"]?.plain ?? "")")
    for (key, word) in [("port", "port"), ("path", "socket"), ("session_id", "session id")] {
      if let value = reply[key], !value.isNull { print("\(word) \(value.plain)") }
    }
  }

  private static func key(_ option: String) -> String {
    String(option.dropFirst(2).map { $0 == "-" ? "_" : $0 })
  }
}
