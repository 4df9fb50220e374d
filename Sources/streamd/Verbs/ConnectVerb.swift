import Control
import GraphFiles
import Mixer

/// A way for sound.
enum ConnectVerb: Verb {
  typealias Context = Daemon

  static let name = "connect"
  static let scope = VerbScope.admin
  static let summary = "Lets sound go from an output of one node to an input of another."
  static let parameters: [VerbParameter] = [
    .required("from", .any, "A node's number or name; its output as node:port where there are several."),
    .required("to", .any, "A node's number or name; its input as node:port where there are several."),
  ]
  static let result = "generation of the graph"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    let from = try arguments.required("from", as: .any)
    let to = try arguments.required("to", as: .any)
    try daemon.graph.edit(for: client) { (draft) throws(GraphDocumentError) in try draft.connect(from, to) }
    return ["generation": JSON(daemon.graph.generation)]
  }
}

@section("streamd_verbs") @used
let connectRecord: VerbRecord = (1, { exportVerb(ConnectVerb.self) })
