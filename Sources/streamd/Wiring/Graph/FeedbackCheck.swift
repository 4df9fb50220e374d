import AudioCore
import Mixer

/// Refuses a graph that would hear itself: a sink's monitor brought to the same sink.
enum FeedbackCheck {
  static func check(_ graph: Graph, on device: GraphDevice) throws(GraphError) {
    let captures = graph.nodes.values.filter {
      $0.kind == "desktop_capture" && text($0, "mode") != "streams"
    }
    guard !captures.isEmpty else { return }
    var feeds: [NodeID: [NodeID]] = [:]
    for connection in graph.connections { feeds[connection.from.node, default: []].append(connection.to.node) }
    for capture in captures {
      let heard = text(capture, "sink")
      var open = [capture.id]
      var seen: Set<NodeID> = []
      while let id = open.popLast() {
        guard seen.insert(id).inserted else { continue }
        open += feeds[id] ?? []
        guard let node = graph.nodes[id], node.kind == "device_sink", sink(of: node, device) == heard else { continue }
        throw .refused(
          node: capture.name,
          NodeRefusal(
            code: "feedback",
            message: "it would hear itself through \(node.name); mode \"streams\" leaves our own sound out"))
      }
    }
  }

  /// The node name of the PipeWire sink that a node plays into, empty for the default; nil where it is no such sink.
  private static func sink(of node: GraphNode, _ device: GraphDevice) -> String? {
    let far = text(node, "device")
    if far.isEmpty || far == "default" { return device.system == "pipewire" ? device.name ?? "" : nil }
    if far.hasPrefix("alsa:") || far.hasPrefix("jack:") { return nil }
    return far.hasPrefix("pipewire:") ? String(far.dropFirst("pipewire:".count)) : far
  }

  private static func text(_ node: GraphNode, _ setting: String) -> String {
    if case .text(let text) = node.settings[setting] { text } else { "" }
  }
}
