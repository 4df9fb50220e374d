import Control
import GraphFiles
import Mixer

/// One node of the graph.
enum GetVerb: Verb {
  typealias Context = Daemon

  static let name = "get"
  static let scope = VerbScope.read
  static let summary = "One node: its settings, parameters and what it measures."
  static let parameters: [VerbParameter] = [
    .required("id", .any, "The node's number or name.")
  ]
  static let result = "node{}"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    let name = try arguments.required("id", as: .any)
    let node: GraphNode
    do throws(GraphDocumentError) {
      node = try GraphDraft(daemon.graph.graph).node(name)
    } catch { throw error.controlError }
    return ["node": daemon.graph.report(of: node)]
  }
}

@section("streamd_verbs") @used
let getRecord: VerbRecord = (1, { exportVerb(GetVerb.self) })
