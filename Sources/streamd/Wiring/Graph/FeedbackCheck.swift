import AudioCore
import AudioIO
import Mixer

/// Refuses a graph that would hear itself: a sink's monitor brought to the same sink.
enum FeedbackCheck {
  static func check(
    _ graph: Graph, on device: GraphDevice, in registry: DeviceRegistry? = nil
  ) throws(GraphError) {
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
        guard let node = graph.nodes[id], node.kind == "device_sink", sink(of: node, device, registry) == heard else {
          continue
        }
        throw .refused(
          node: capture.name,
          NodeRefusal(
            code: "feedback",
            message: "it would hear itself through \(node.name); mode \"streams\" leaves our own sound out"))
      }
    }
  }

  /// The node name of the PipeWire sink that a node plays into, empty for the default; nil where it is no such sink.
  private static func sink(of node: GraphNode, _ device: GraphDevice, _ registry: DeviceRegistry?) -> String? {
    let far = text(node, "device")
    var words = far
    if far.isEmpty || far == "default" {
      guard device.system == "pipewire" else { return nil }
      words = device.name ?? ""
    }
    if words.isEmpty { return "" }
    // However it is called: by its description too.
    if let found = try? registry?.find(words, DeviceScope(.output)) {
      return found.system == "pipewire" ? found.name : nil
    }
    if words.hasPrefix("alsa:") || words.hasPrefix("jack:") { return nil }
    return words.hasPrefix("pipewire:") ? String(words.dropFirst("pipewire:".count)) : words
  }

  private static func text(_ node: GraphNode, _ setting: String) -> String {
    if case .text(let text) = node.settings[setting] { text } else { "" }
  }
}
