import AudioCore
import Control
import GraphFiles
import Mixer
import Wiring

/// The graph as a document.
enum SaveVerb: Verb {
  typealias Context = Daemon

  static let name = "save"
  static let scope = VerbScope.read
  static let summary = "The graph as a document that load and streamctl graph render take."
  static let result = "document{}"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    ["document": GraphDocument(rate: daemon.graph.device.format.rate, graph: daemon.graph.graph).json()]
  }
}

@section("streamd_verbs") @used
let saveRecord: VerbRecord = (1, { exportVerb(SaveVerb.self) })
