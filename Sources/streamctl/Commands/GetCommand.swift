import Control

/// One value of the profile in use.
enum GetCommand: Command {
  static let name = "get"
  static let summary = "a value of the profile in use, and where it comes from"
  static let usage = "usage: streamctl get KEY\nKEY as in limiter.ceiling_dbtp; docs/PROFILES.md has them all."

  static func run(_ options: Options) throws -> ExitStatus {
    try options.refuseWords(beyond: 1)
    guard let key = options.words.first else { throw Failure(.usage, "usage", usage) }
    let reply = try options.connect().request("setting.get", ["key": .string(key)])
    print(options.asJSON ? reply.text : reply["value"]?.plain ?? "")
    return .ok
  }
}
