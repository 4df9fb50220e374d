import Control

/// Two profiles, compared.
enum ProfileDiffVerb: Verb {
  typealias Context = Daemon

  static let name = "profile.diff"
  static let scope = VerbScope.read
  static let summary = "What would change from one profile to another."
  static let parameters: [VerbParameter] = [
    .required("to", .string, "The other profile."),
    .optional("from", .string, "Else the one in use."),
  ]
  static let result = "kind, changes[] with key, from and to"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    try daemon.routing.diff(
      from: try arguments.optional("from", as: .string), to: try arguments.required("to", as: .string))
  }
}

@section("streamd_verbs") @used
let profileDiffRecord: VerbRecord = (1, { exportVerb(ProfileDiffVerb.self) })
