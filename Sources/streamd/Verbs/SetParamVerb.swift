import AudioCore
import Control
import GraphFiles
import Mixer

/// Values of a node that plays.
enum SetParamVerb: Verb {
  typealias Context = Daemon

  static let name = "set_param"
  static let summary = "Changes a parameter of a node smoothly, or a setting, which makes it anew with a fade."
  static let parameters: [VerbParameter] = [
    .required("id", .any, "The node's number or name."),
    .required("param", .string, alias: "name", "As describe lists them; level.2 and the like for a mixer's inputs."),
    .required("value", .any, "A number, true or false; for settings also a text or a list."),
    .optional("ramp_ms", .number(0...600_000), unit: "ms", "How long the change takes; else as the parameter has it."),
  ]
  static let result = "node{}: as it is then"

  @ControlActor
  static func run(_ arguments: Arguments, client: ClientSession, in daemon: Daemon) throws(ControlError) -> JSON {
    let node = try arguments.required("id", as: .any)
    let name = try arguments.required("param", as: .string)
    let value = try arguments.required("value", as: .any)
    let ramp = try arguments.optional("ramp_ms", as: .number).map { HostDuration(nanoseconds: Int64($0 * 1e6)) }
    let changed = try daemon.graph.edit(for: client) { (draft) throws(GraphDocumentError) in
      try draft.set(node, name, to: value, over: ramp)
      return try draft.node(node)
    }
    return ["node": daemon.graph.report(of: changed)]
  }
}

@section("streamd_verbs") @used
let setParamRecord: VerbRecord = (1, { exportVerb(SetParamVerb.self) })
