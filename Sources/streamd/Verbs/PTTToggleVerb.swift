import Control

/// One key for both.
enum PTTToggleVerb: Verb {
  typealias Context = Daemon

  static let name = "ptt.toggle"
  static let summary = "Presses what is shut, releases what is open."
  static let parameters: [VerbParameter] = [
    TalkRequest.target, TalkRequest.holder, TalkRequest.time(default: 600_000),
  ]
  static let result = "target, ruled, open, holders, ends_in_ms where it ends by itself"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    try daemon.talk.toggle(try TalkRequest(arguments), from: client)
  }
}

@section("streamd_verbs") @used
let pttToggleRecord: VerbRecord = (1, { exportVerb(PTTToggleVerb.self) })
