import Control

/// What there is to choose from.
enum ProfileListVerb: Verb {
  typealias Context = Daemon

  static let name = "profile.list"
  static let scope = VerbScope.read
  static let summary = "The profiles there are, which one is in use, and what is wrong with files."
  static let result = "profiles[] with name, active, description, origin; warnings[]"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    daemon.routing.profiles()
  }
}

@section("streamd_verbs") @used
let profileListRecord: VerbRecord = (1, { exportVerb(ProfileListVerb.self) })
