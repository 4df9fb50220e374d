import Control

/// Another value in place of the profile's.
enum SetCommand: Command {
  static let name = "set"
  static let summary = "put another value in the place of the profile's"
  static let usage = """
    usage: streamctl set KEY VALUE
           streamctl set KEY --clear
    It holds for every profile and after a restart, until it is cleared. `streamctl reset` clears all.
    """
  static let flags: Set<String> = ["--clear"]

  static func run(_ options: Options) throws -> ExitStatus {
    let clears = options.has("--clear")
    try options.refuseWords(beyond: clears ? 1 : 2)
    guard options.words.count == (clears ? 1 : 2) else { throw Failure(.usage, "usage", usage) }
    let key = JSON.string(options.words[0])
    if clears {
      let reply = try options.connect().request("setting.clear", ["key": key])
      print(options.asJSON ? reply.text : "\(options.words[0]): as the profile says")
      return .ok
    }
    // What is no JSON is a text: people write peak and not "peak".
    let value = (try? JSON.parse(Array(options.words[1].utf8))) ?? .string(options.words[1])
    let reply = try options.connect().request("setting.set", ["key": key, "value": value])
    if options.asJSON { print(reply.text) } else { print("\(options.words[0]): \(value.plain)") }
    if let note = reply["note"], !options.asJSON { Console.note(note.plain) }
    return .ok
  }
}
