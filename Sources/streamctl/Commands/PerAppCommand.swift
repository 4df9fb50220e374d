import Control

/// Levels of single applications.
enum PerAppCommand: Command {
  static let name = "per-app"
  static let summary = "keep single applications from being too loud"
  static let usage = """
    usage: streamctl per-app [status]
           streamctl per-app on | off              for all, for good
           streamctl per-app set APP on|off        for one application, for good
           streamctl per-app reset NUMBER          forgets that the user has moved this stream's volume
    A level is only ever turned down, by the application's own volume, and never above where the user has put that.
    """

  static func run(_ options: Options) throws -> ExitStatus {
    let words = options.words
    switch words.first {
    case nil, "status", "list": try status(options)
    case "on", "off":
      try options.refuseWords(beyond: 1)
      try tell(options, "per-app.master", ["enabled": .bool(words[0] == "on")], "levels of applications: \(words[0])")
    case "set":
      guard words.count == 3, ["on", "off"].contains(words[2]) else {
        throw Failure(.usage, "usage", "per-app set needs an application, and on or off")
      }
      try tell(
        options, "per-app.set", ["app": .string(words[1]), "enabled": .bool(words[2] == "on")],
        "\(words[1]): \(words[2])")
    case "reset":
      guard words.count == 2, let number = Int(words[1].drop { $0 == "#" }) else {
        throw Failure(.usage, "usage", "per-app reset needs a stream's number, as per-app status has it")
      }
      try tell(options, "per-app.reset", ["node_id": JSON(number)], "stream \(number): kept again")
    default: throw Failure(.usage, "usage", usage)
    }
    return .ok
  }

  private static func tell(_ options: Options, _ verb: String, _ arguments: JSONObject, _ done: String) throws {
    let reply = try options.connect().request(verb, arguments)
    print(options.asJSON ? reply.text : done)
  }

  private static func status(_ options: Options) throws {
    try options.refuseWords(beyond: 1)
    let reply = try options.connect().request("per-app.list")
    if options.asJSON { return print(reply.text) }
    let streams = reply["layer_a"]?.arrayValue ?? []
    if streams.isEmpty { print("no application's level is kept") }
    let word = { (json: JSON, key: String) in json[key]?.plain ?? "" }
    for stream in streams {
      let ceiling = stream["user_ceiling_lin"].map { ", user's volume \($0.plain)" } ?? ""
      let deferred = stream["deferred"] == true ? ", left to the user" : ""
      print(
        "#\(word(stream, "node_id").padded(to: 5)) \(word(stream, "app").padded(to: 24)) "
          + "-\(word(stream, "reduction_db")) dB\(ceiling)\(deferred)")
    }
  }
}
