import Control

/// Ends a session.
enum SessionCloseVerb: Verb {
  typealias Context = Daemon

  static let name = "session.close"
  static let summary = "Ends a session; the capture is released when nobody else needs it."
  static let parameters: [VerbParameter] = [
    .required("session", .string, "Its id, such as s1, or its name.")
  ]
  static let result = "the session's last counters"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    let session = try daemon.session(try arguments.required("session", as: .string))
    return ["session": daemon.closeSession(session)]
  }
}

@section("streamd_verbs") @used
let sessionCloseRecord: VerbRecord = (1, { exportVerb(SessionCloseVerb.self) })
