import Control

/// A user's word on an application's level.
enum PerAppSetVerb: Verb {
  typealias Context = Daemon

  static let name = "per-app.set"
  static let summary = "Keeps an application's level, or does not, for good."
  static let parameters: [VerbParameter] = [
    .required("app", .string, "Any name it goes by, with * and ?."),
    .required("enabled", .boolean, "Whether it is kept."),
  ]
  static let result = "nothing"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    try daemon.routing.keepLevel(
      of: try arguments.required("app", as: .string), try arguments.required("enabled", as: .boolean))
    return [:]
  }
}

@section("streamd_verbs") @used
let perAppSetRecord: VerbRecord = (1, { exportVerb(PerAppSetVerb.self) })
