import Control

/// What push-to-talk rules.
enum PTTListVerb: Verb {
  typealias Context = Daemon

  static let name = "ptt.list"
  static let scope = VerbScope.read
  static let summary = "What is shut unless it is held, and what is held now."
  static let result = "targets[]: target, open, holders, ends_in_ms"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    daemon.talk.report()
  }
}

@section("streamd_verbs") @used
let pttListRecord: VerbRecord = (1, { exportVerb(PTTListVerb.self) })
