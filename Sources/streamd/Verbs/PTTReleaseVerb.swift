import Control

/// Lets go.
enum PTTReleaseVerb: Verb {
  typealias Context = Daemon

  static let name = "ptt.release"
  static let summary = "Ends a press; it shuts once nobody else holds it."
  static let parameters: [VerbParameter] = [TalkRequest.target, TalkRequest.holder, TalkRequest.whileConnected]
  static let result = "target, ruled, open, holders, ends_in_ms where it ends by itself"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    try daemon.talk.release(try TalkRequest(arguments), from: client)
  }
}

@section("streamd_verbs") @used
let pttReleaseRecord: VerbRecord = (1, { exportVerb(PTTReleaseVerb.self) })
