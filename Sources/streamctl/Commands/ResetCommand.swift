import Control

/// Forgets what was set.
enum ResetCommand: Command {
  static let name = "reset"
  static let summary = "clear everything that was set with set"
  static let usage = "usage: streamctl reset"

  static func run(_ options: Options) throws -> ExitStatus {
    try options.refuseWords(beyond: 0)
    let reply = try options.connect().request("setting.reset")
    print(options.asJSON ? reply.text : "\(reply["cleared"]?.plain ?? "0") values cleared")
    return .ok
  }
}
