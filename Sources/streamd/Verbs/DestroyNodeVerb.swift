import Control
import GraphFiles

/// The end of a node.
enum DestroyNodeVerb: Verb {
  typealias Context = Daemon

  static let name = "destroy_node"
  static let summary = "Takes a node and its connections out of the graph, with a fade."
  static let parameters: [VerbParameter] = [
    .required("id", .any, "The node's number or name.")
  ]
  static let result = "nothing more"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    let node = try arguments.required("id", as: .any)
    try daemon.graph.edit(for: client) { (draft) throws(GraphDocumentError) in try draft.destroy(node) }
    return .null
  }
}

@section("streamd_verbs") @used
let destroyNodeRecord: VerbRecord = (1, { exportVerb(DestroyNodeVerb.self) })
