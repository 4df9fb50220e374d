import Control

/// What files say, anew.
enum ProfileReloadVerb: Verb {
  typealias Context = Daemon

  static let name = "profile.reload"
  static let summary = "Reads the profiles' files again; a saved file is noticed without it."
  static let result = "reloaded[], warnings[]"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    daemon.routing.reload()
  }
}

@section("streamd_verbs") @used
let profileReloadRecord: VerbRecord = (1, { exportVerb(ProfileReloadVerb.self) })
