import Control

/// A user's word on an application.
enum RouteSetVerb: Verb {
  typealias Context = Daemon

  static let name = "route.set"
  static let summary = "Sends an application elsewhere, for good and under every profile."
  static let parameters: [VerbParameter] = [
    .required("app", .string, "Any name it goes by, with * and ?."),
    .required("to", .string, "processed, bypass, exclude or bus:NAME."),
  ]
  static let result = "nothing"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    try daemon.routing.setRoute(
      of: try arguments.required("app", as: .string), to: try arguments.required("to", as: .string))
    return [:]
  }
}

@section("streamd_verbs") @used
let routeSetRecord: VerbRecord = (1, { exportVerb(RouteSetVerb.self) })
