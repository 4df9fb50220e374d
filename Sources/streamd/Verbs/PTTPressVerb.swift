import Control

/// Opens while a key is held.
enum PTTPressVerb: Verb {
  typealias Context = Daemon

  static let name = "ptt.press"
  static let summary = "Opens what push-to-talk rules; from the first press on it is shut unless somebody holds it."
  static let parameters: [VerbParameter] = [
    TalkRequest.target, TalkRequest.holder, TalkRequest.time(default: 60_000), TalkRequest.whileConnected,
  ]
  static let result = "target, ruled, open, holders, ends_in_ms where it ends by itself"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    try daemon.talk.press(try TalkRequest(arguments), from: client)
  }
}

@section("streamd_verbs") @used
let pttPressRecord: VerbRecord = (1, { exportVerb(PTTPressVerb.self) })
