import Control

/// The switch that takes everything out of the way.
enum BypassCommand: Command {
  static let name = "bypass"
  static let summary = "on: every application straight to its device; off: as the profile says"
  static let usage = "usage: streamctl bypass on | off | toggle"

  static func run(_ options: Options) throws -> ExitStatus {
    try options.refuseWords(beyond: 1)
    let client = try options.connect()
    let enabled: Bool
    switch options.words.first {
    case "on": enabled = true
    case "off": enabled = false
    case "toggle": enabled = try client.request("status")["bypass"] != true
    default: throw Failure(.usage, "usage", usage)
    }
    let reply = try client.request("bypass.set", ["enabled": .bool(enabled)])
    print(options.asJSON ? reply.text : "bypass \(enabled ? "on" : "off")")
    return .ok
  }
}
