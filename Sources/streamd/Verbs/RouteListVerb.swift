import Control

/// Where sound goes.
enum RouteListVerb: Verb {
  typealias Context = Daemon

  static let name = "route.list"
  static let scope = VerbScope.read
  static let summary = "Rules, overrides, and where each application's stream goes and why."
  static let result = "rules[], overrides[], default_route, current[] with node_id, app, route, reason, sinks"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    daemon.routing.routes()
  }
}

@section("streamd_verbs") @used
let routeListRecord: VerbRecord = (1, { exportVerb(RouteListVerb.self) })
