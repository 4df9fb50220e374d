import Control

/// Another way of treating sound, at once.
enum ProfileUseVerb: Verb {
  typealias Context = Daemon

  static let name = "profile.use"
  static let summary = "Takes a profile into use, for now and after a restart."
  static let parameters: [VerbParameter] = [
    .required("name", .string, "As profile.list has it.")
  ]
  static let result = "name, change (none, parameters, structure or devices), warnings[]"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    try daemon.routing.use(try arguments.required("name", as: .string))
  }
}

@section("streamd_verbs") @used
let profileUseRecord: VerbRecord = (1, { exportVerb(ProfileUseVerb.self) })
