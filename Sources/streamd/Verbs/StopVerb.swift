import Control

/// The graph pauses.
enum StopVerb: Verb {
  typealias Context = Daemon

  static let name = "stop"
  static let summary = "Fades the graph out and lets go of its device; the graph stays."
  static let result = "state{}"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    daemon.graph.stop()
    return ["state": daemon.graph.state()]
  }
}

@section("streamd_verbs") @used
let stopRecord: VerbRecord = (1, { exportVerb(StopVerb.self) })
