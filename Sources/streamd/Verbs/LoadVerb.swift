import AudioCore
import Control
import GraphFiles
import Mixer

/// A whole graph from its document.
enum LoadVerb: Verb {
  typealias Context = Daemon

  static let name = "load"
  static let scope = VerbScope.admin
  static let summary = "Makes the graph that of a document; what is alike goes on, the rest fades."
  static let parameters: [VerbParameter] = [
    .required("document", .any, "As docs/GRAPH.md describes it.")
  ]
  static let result = "generation, nodes, connections, latency in frames"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    let json = try arguments.required("document", as: .any)
    let document: GraphDocument
    do throws(GraphDocumentError) { document = try GraphDocument(json) } catch { throw error.controlError }
    let report = try daemon.graph.replace(by: document.graph)
    return [
      "generation": JSON(report.generation), "nodes": JSON(report.nodes), "connections": JSON(report.connections),
      "latency": JSON(report.latency.value),
    ]
  }
}

@section("streamd_verbs") @used
let loadRecord: VerbRecord = (1, { exportVerb(LoadVerb.self) })
