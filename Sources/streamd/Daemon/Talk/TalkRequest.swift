import AudioCore
import Control

/// What the verbs of push-to-talk have in common.
struct TalkRequest {
  var target: TalkTarget
  var holder: String
  var time: HostDuration
  var isWhileConnected: Bool

  static let target = VerbParameter.optional(
    "target", .string, default: "mic", "mic, mic:NAME, node:NAME of the graph, or channel:NAME.")
  static let holder = VerbParameter.optional(
    "holder", .text(maximumBytes: 64), default: "key",
    "Who holds it: a second press of one holder goes on with the first, and only its release ends it.")
  static let whileConnected = VerbParameter.optional(
    "while_connected", .boolean, default: false, "Held by this connection, and released when it ends, however it ends.")

  static func time(default milliseconds: Int) -> VerbParameter {
    .optional(
      "ttl_ms", .integer(1...3_600_000), default: JSON(milliseconds), unit: "ms",
      "Released then, if nobody has said anything since.")
  }

  init(_ arguments: Arguments) throws(ControlError) {
    target = try TalkTarget(try arguments.optional("target", as: .string) ?? "mic")
    holder = try arguments.optional("holder", as: .string) ?? "key"
    time = .milliseconds(Int64(try arguments.optional("ttl_ms", as: .integer) ?? 60_000))
    isWhileConnected = try arguments.optional("while_connected", as: .boolean) ?? false
  }

  init(_ target: TalkTarget, holder: String, time: HostDuration) {
    (self.target, self.holder, self.time, isWhileConnected) = (target, holder, time, false)
  }
}
