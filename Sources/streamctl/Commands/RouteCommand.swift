import Control

/// Where applications' sound goes.
enum RouteCommand: Command {
  static let name = "route"
  static let summary = "where each application plays, and how to change that"
  static let usage = """
    usage: streamctl route [list]
           streamctl route set APP processed|bypass|exclude|bus:NAME    for good, whatever the profile
           streamctl route unset APP
           streamctl route stream NUMBER processed|bypass|exclude|bus:NAME    this one stream, until it ends
    APP is any name an application goes by (its program, its name, its flatpak or portal id, its node), with * and ?.
    processed: through the profile's processed bus. bypass: straight to the device. exclude: to the device and to no
    client. bus:NAME: through a bus of the profile.
    """

  static func run(_ options: Options) throws -> ExitStatus {
    let words = options.words
    switch words.first {
    case nil, "list": try list(options)
    case "set":
      guard words.count == 3 else { throw Failure(.usage, "usage", "route set needs an application and a route") }
      try tell(options, "route.set", ["app": .string(words[1]), "to": .string(words[2])], "\(words[1]): \(words[2])")
    case "unset":
      guard words.count == 2 else { throw Failure(.usage, "usage", "route unset needs an application") }
      try tell(options, "route.unset", ["app": .string(words[1])], "\(words[1]): as the profile says")
    case "stream":
      guard words.count == 3, let number = Int(words[1].drop { $0 == "#" }) else {
        throw Failure(.usage, "usage", "route stream needs a stream's number, as route list has it, and a route")
      }
      try tell(
        options, "route.stream", ["node_id": JSON(number), "to": .string(words[2])], "stream \(number): \(words[2])")
    default: throw Failure(.usage, "usage", usage)
    }
    return .ok
  }

  private static func tell(_ options: Options, _ verb: String, _ arguments: JSONObject, _ done: String) throws {
    let reply = try options.connect().request(verb, arguments)
    print(options.asJSON ? reply.text : done)
  }

  private static func list(_ options: Options) throws {
    try options.refuseWords(beyond: 1)
    let reply = try options.connect().request("route.list")
    if options.asJSON { return print(reply.text) }
    let word = { (json: JSON, key: String) in json[key]?.plain ?? "" }
    let streams = reply["current"]?.arrayValue ?? []
    if streams.isEmpty { print("no application plays") }
    for stream in streams {
      let sinks = stream["sinks"]?.arrayValue?.map(\.plain).joined(separator: ", ") ?? ""
      print(
        "#\(word(stream, "node_id").padded(to: 5)) \(word(stream, "app").padded(to: 24)) "
          + "\(word(stream, "route").padded(to: 14)) \(word(stream, "reason")); plays to \(sinks.isEmpty ? "nothing" : sinks)"
      )
      if let note = stream["note"] { print("       \(note.plain)") }
    }
    for override in reply["overrides"]?.arrayValue ?? [] {
      print("set    \(word(override, "app").padded(to: 24)) \(word(override, "to"))")
    }
    for rule in reply["rules"]?.arrayValue ?? [] {
      print("rule   \(word(rule, "match_text").padded(to: 24)) \(word(rule, "route"))")
    }
    if let route = reply["default_route"], !route.isNull { print("others \(route.plain)") }
  }
}
