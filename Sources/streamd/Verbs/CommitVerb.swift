import Control
import GraphFiles

/// Several edits at once: all of them are heard together, or none is done.
enum CommitVerb: Verb {
  typealias Context = Daemon

  static let name = "commit"
  static let scope = VerbScope.admin
  static let summary = "Several edits in one: all or none, heard together. Later ones may name nodes of earlier ones."
  static let parameters: [VerbParameter] = [
    .required(
      "edits", .array(of: .any, maximumCount: 4096),
      "Objects with op (create_node, destroy_node, connect, disconnect, set_param, rename) beside its arguments.")
  ]
  static let result = "generation, latency in frames, ids[]: of each edit's new node, or null"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    let edits = try arguments.required("edits", as: .array(of: .any, maximumCount: 4096))
    let ids = try daemon.graph.edit(for: client) { (draft) throws(GraphDocumentError) in
      var ids: [JSON] = []
      for (place, edit) in edits.enumerated() {
        do throws(GraphDocumentError) { ids.append(try draft.take(edit)) } catch {
          throw error.at("edits[\(place)]")
        }
      }
      return ids
    }
    return ["generation": JSON(daemon.graph.generation), "ids": .array(ids)]
  }
}

@section("streamd_verbs") @used
let commitRecord: VerbRecord = (1, { exportVerb(CommitVerb.self) })
