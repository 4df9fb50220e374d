import Control

/// A user's word, taken back.
enum RouteUnsetVerb: Verb {
  typealias Context = Daemon

  static let name = "route.unset"
  static let summary = "Sends an application where the profile says again."
  static let parameters: [VerbParameter] = [
    .required("app", .string, "As it was set.")
  ]
  static let result = "nothing"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    try daemon.routing.unsetRoute(of: try arguments.required("app", as: .string))
    return [:]
  }
}

@section("streamd_verbs") @used
let routeUnsetRecord: VerbRecord = (1, { exportVerb(RouteUnsetVerb.self) })
