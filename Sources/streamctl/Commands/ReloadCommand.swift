import Control

/// Reads profiles' files again.
enum ReloadCommand: Command {
  static let name = "reload"
  static let summary = "read the profiles' files again"
  static let usage = "usage: streamctl reload\nA saved file is noticed without it."

  static func run(_ options: Options) throws -> ExitStatus {
    try reload(options, words: 0)
    return .ok
  }

  static func reload(_ options: Options, words: Int) throws {
    try options.refuseWords(beyond: words)
    let reply = try options.connect().request("profile.reload")
    if options.asJSON { return print(reply.text) }
    print("\(reply["reloaded"]?.arrayValue?.count ?? 0) profiles")
    for warning in reply["warnings"]?.arrayValue ?? [] { Console.note(warning.plain) }
  }
}
