import Control

/// What a profile says.
enum ProfileShowVerb: Verb {
  typealias Context = Daemon

  static let name = "profile.show"
  static let scope = VerbScope.read
  static let summary = "A whole profile with all its values: the one in use with what was set."
  static let parameters: [VerbParameter] = [
    .optional("name", .string, "Another than the one in use, as its file has it.")
  ]
  static let result = "the profile, by its sections"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    try daemon.routing.show(try arguments.optional("name", as: .string))
  }
}

@section("streamd_verbs") @used
let profileShowRecord: VerbRecord = (1, { exportVerb(ProfileShowVerb.self) })
