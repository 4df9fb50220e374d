import Control

/// The switch for levels of applications.
enum PerAppMasterVerb: Verb {
  typealias Context = Daemon

  static let name = "per-app.master"
  static let summary = "Keeps levels of applications, or of none, for good."
  static let parameters: [VerbParameter] = [
    .required("enabled", .boolean, "In place of what the profile says.")
  ]
  static let result = "nothing"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    try daemon.routing.keepLevels(try arguments.required("enabled", as: .boolean))
    return [:]
  }
}

@section("streamd_verbs") @used
let perAppMasterRecord: VerbRecord = (1, { exportVerb(PerAppMasterVerb.self) })
