import Control

/// The graph as it is.
enum GraphVerb: Verb {
  typealias Context = Daemon

  static let name = "graph"
  static let scope = VerbScope.read
  static let summary = "The whole graph: nodes, connections, orphans, the device, its generation."
  static let result =
    "generation, state{}, device{}, stats{} as in the event, buses[] that nodes feed, direct[] pairs that the daemon joins itself, nodes[], connections[], orphans[]"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    guard case .object(var members) = daemon.graph.snapshot() else { return .null }
    members["direct"] = .array(daemon.directPairs)
    return .object(members)
  }
}

@section("streamd_verbs") @used
let graphRecord: VerbRecord = (1, { exportVerb(GraphVerb.self) })
