import Control

/// A user's word on one stream.
enum RouteStreamVerb: Verb {
  typealias Context = Daemon

  static let name = "route.stream"
  static let summary = "Sends one stream elsewhere until it ends."
  static let parameters: [VerbParameter] = [
    .required("node_id", .integer(0...4_294_967_295), "As route.list has it."),
    .required("to", .string, "processed, bypass, exclude or bus:NAME."),
  ]
  static let result = "nothing"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    try daemon.routing.routeStream(
      try arguments.required("node_id", as: .integer), to: try arguments.required("to", as: .string))
    return [:]
  }
}

@section("streamd_verbs") @used
let routeStreamRecord: VerbRecord = (1, { exportVerb(RouteStreamVerb.self) })
