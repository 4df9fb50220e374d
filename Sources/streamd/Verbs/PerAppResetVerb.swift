import Control

/// A stream's volume is ours to lower again.
enum PerAppResetVerb: Verb {
  typealias Context = Daemon

  static let name = "per-app.reset"
  static let summary = "Forgets that a user has moved a stream's volume."
  static let parameters: [VerbParameter] = [
    .required("node_id", .integer(0...4_294_967_295), "As per-app.list has it.")
  ]
  static let result = "nothing"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    try daemon.routing.resetLevel(of: try arguments.required("node_id", as: .integer))
    return [:]
  }
}

@section("streamd_verbs") @used
let perAppResetRecord: VerbRecord = (1, { exportVerb(PerAppResetVerb.self) })
