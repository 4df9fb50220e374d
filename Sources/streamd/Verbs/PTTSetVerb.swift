import Control

/// Mute and gate in one, as a state and not as a change.
enum PTTSetVerb: Verb {
  typealias Context = Daemon

  static let name = "ptt.set"
  static let summary =
    "Says how a channel is to be: muted, or its gate open. The same again changes nothing but how long the gate stays open."
  static let parameters: [VerbParameter] = [
    .required("channel", .any, "A duplex channel by its number, or a target as for ptt.press."),
    .optional("mute", .boolean, "Muted, whatever the gate is."),
    .optional("gate_open", .boolean, "Open until it is said otherwise, at the latest after ttl_ms."),
    TalkRequest.time(default: 60_000),
  ]
  static let result = "target, ruled, open, holders, ends_in_ms where it ends by itself; channel, mute, gate_open"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    let channel = try arguments.required("channel", as: .any)
    let target = try TalkTarget(channel.intValue.map { "channel:\($0)" } ?? channel.stringValue ?? "")
    let muted = try arguments.optional("mute", as: .boolean)
    let open = try arguments.optional("gate_open", as: .boolean)
    guard muted != nil || open != nil else {
      throw ControlError(.badArgs, "wanted mute, gate_open, or both")
    }
    if let muted { try daemon.setMuted(muted, target) }
    var request = try TalkRequest(arguments)
    (request.target, request.holder) = (target, "gate")
    var report: JSONObject = ["channel": channel]
    if let muted { report["mute"] = .bool(muted) }
    if let open {
      // Who shuts a gate that nothing has shut so far wants it to be one.
      if !open { _ = try daemon.talk.rule(target) }
      let state = open ? try daemon.talk.press(request, from: client) : try daemon.talk.release(request, from: client)
      report["gate_open"] = state["open"] ?? .null
      if let members = state.objectValue { report.merge(members) }
    }
    return .object(report)
  }
}

@section("streamd_verbs") @used
let pttSetRecord: VerbRecord = (1, { exportVerb(PTTSetVerb.self) })
