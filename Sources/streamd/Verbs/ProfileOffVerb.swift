import Control

/// Nothing is routed any more.
enum ProfileOffVerb: Verb {
  typealias Context = Daemon

  static let name = "profile.off"
  static let summary = "Takes no profile into use: every application plays where it did before."
  static let result = "nothing"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    try daemon.routing.switchOff()
    return [:]
  }
}

@section("streamd_verbs") @used
let profileOffRecord: VerbRecord = (1, { exportVerb(ProfileOffVerb.self) })
