import Control

/// Every open session.
enum SessionListVerb: Verb {
  typealias Context = Daemon

  static let name = "session.list"
  static let scope = VerbScope.read
  static let summary = "Every open session with its counters."
  static let result = "sessions[]"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    daemon.sessionsSnapshot()
  }
}

@section("streamd_verbs") @used
let sessionListRecord: VerbRecord = (1, { exportVerb(SessionListVerb.self) })
