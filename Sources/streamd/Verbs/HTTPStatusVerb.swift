import Control

/// Whether HTTP is open.
enum HTTPStatusVerb: Verb {
  typealias Context = Daemon

  static let name = "http.status"
  static let isBound = true
  static let summary = "Where the HTTP interface listens, by which names, and why not."
  static let result = "listening, listen, tls, hosts[], fingerprint, trouble"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    daemon.web?.report ?? ["listening": false]
  }
}

@section("streamd_verbs") @used
let httpStatusRecord: VerbRecord = (1, { exportVerb(HTTPStatusVerb.self) })
