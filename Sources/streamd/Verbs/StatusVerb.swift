import Control

/// How the daemon is, what it hears and whom it serves.
enum StatusVerb: Verb {
  typealias Context = Daemon

  static let name = "status"
  static let scope = VerbScope.read
  static let summary = "State, problems with their reasons, captures and sessions."
  static let result = "state (idle, ok, degraded), problems[], captures[], sessions[]"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    daemon.status()
  }
}

@section("streamd_verbs") @used
let statusRecord: VerbRecord = (1, { exportVerb(StatusVerb.self) })
