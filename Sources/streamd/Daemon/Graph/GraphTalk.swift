import Control
import GraphFiles
import Mixer
import Wiring

// What push-to-talk does with nodes.
extension GraphRoom {
  /// Cycles and losses of all devices so far.
  var lostCycles: Int { counts.xruns }

  /// Throws where there is no such node, or it has nothing to be muted by.
  func checkMutable(_ name: String) throws(ControlError) {
    let draft = GraphDraft(graph)
    let node: GraphNode
    do throws(GraphDocumentError) { node = try draft.node(Self.reference(name)) } catch { throw error.controlError }
    let parameters = station.engine.processor(of: node.id)?.parameters.specs.map(\.name) ?? []
    guard parameters.contains("mute") else {
      throw ControlError(
        .badArgs, "node \(name) is a \(node.kind), which has no mute", path: "target",
        hint: "a gain has one: put one into the way")
    }
  }

  func setMuted(_ muted: Bool, node name: String) throws(ControlError) {
    _ = try edit(for: nil) { (draft) throws(GraphDocumentError) in
      let node = try draft.node(Self.reference(name))
      let live = station.engine.processor(of: node.id)?.parameters
      let now = live.flatMap { block in
        block.specs.firstIndex { $0.name == "mute" }.map { block.values[$0] }
      }
      // Nothing is committed where nothing changes.
      if now != (muted ? 1 : 0) { try draft.set(Self.reference(name), "mute", to: .bool(muted), over: nil) }
    }
  }

  /// A number means the node of that number.
  private static func reference(_ name: String) -> JSON { Int64(name).map { .int($0) } ?? .string(name) }
}
