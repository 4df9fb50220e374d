import Control

/// The graph begins.
enum StartVerb: Verb {
  typealias Context = Daemon

  static let name = "start"
  static let summary = "Lets the graph run on its device."
  static let result = "state{}"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    try daemon.graph.start()
    return ["state": daemon.graph.state()]
  }
}

@section("streamd_verbs") @used
let startRecord: VerbRecord = (1, { exportVerb(StartVerb.self) })
