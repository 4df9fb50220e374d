import Control

/// HTTP as the configuration has it now.
enum HTTPReloadVerb: Verb {
  typealias Context = Daemon

  static let name = "http.reload"
  static let isBound = true
  static let summary = "Reads the section http of the configuration again, and opens the interface anew."
  static let result = "as http.status"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    guard let web = daemon.web else { throw ControlError(.unavailable, "there is no HTTP here") }
    return try web.reload()
  }
}

@section("streamd_verbs") @used
let httpReloadRecord: VerbRecord = (1, { exportVerb(HTTPReloadVerb.self) })
