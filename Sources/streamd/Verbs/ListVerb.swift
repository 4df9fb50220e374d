import Control
import Mixer

/// All nodes of the graph.
enum ListVerb: Verb {
  typealias Context = Daemon

  static let name = "list"
  static let scope = VerbScope.read
  static let summary = "Every node, as get has it."
  static let result = "nodes[]"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    ["nodes": .array(daemon.graph.graph.sortedNodes.map { daemon.graph.report(of: $0) })]
  }
}

@section("streamd_verbs") @used
let listRecord: VerbRecord = (1, { exportVerb(ListVerb.self) })
