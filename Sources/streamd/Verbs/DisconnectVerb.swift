import Control
import GraphFiles
import Mixer

/// The end of a way for sound.
enum DisconnectVerb: Verb {
  typealias Context = Daemon

  static let name = "disconnect"
  static let summary = "Takes connections away: one, or all at one end."
  static let parameters: [VerbParameter] = [
    .optional("from", .any, "As for connect; left out: whatever feeds the other end."),
    .optional("to", .any, "As for connect; left out: whatever the other end feeds."),
  ]
  static let result = "disconnected: how many, generation"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    let from = try arguments.optional("from", as: .any)
    let to = try arguments.optional("to", as: .any)
    guard from != nil || to != nil else { throw ControlError(.badArgs, "from or to is missing", path: "from") }
    let count = try daemon.graph.edit(for: client) { (draft) throws(GraphDocumentError) in
      try draft.disconnect(from, to)
    }
    return ["disconnected": JSON(count), "generation": JSON(daemon.graph.generation)]
  }
}

@section("streamd_verbs") @used
let disconnectRecord: VerbRecord = (1, { exportVerb(DisconnectVerb.self) })
