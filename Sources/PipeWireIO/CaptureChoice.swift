import AudioIO

/// Decides which microphone is recorded, and whether what reaches our stream is that one. Pure: graph in, decision out.
///
/// Monitors of sinks and microphones that this daemon makes are no choice, even if they are the user's default: the one
/// would send what is played, the other what was sent. Who only listens may name one of ours.
enum CaptureChoice {
  static func source(
    in graph: GraphMirror, wanted: String?, current: String?, hearsOwn: Bool = false
  ) -> Result<GraphMirror.Node, BackendError> {
    let hearsOwn = hearsOwn && wanted != nil
    let sources = graph.nodes.values.filter { $0.isForeignSource || (hearsOwn && $0.isSource) }.sorted { $0.id < $1.id }
    func named(_ name: String?) -> GraphMirror.Node? { name.flatMap { name in sources.first { $0.name == name } } }
    if let wanted { return named(wanted).map { .success($0) } ?? .failure(missing(wanted, graph, sources)) }
    if let chosen = named(graph[.source].effective), graph.isBluetooth(chosen) { return .failure(heldBack(chosen)) }
    if let source = named(graph[.source].effective) ?? named(current) { return .success(source) }
    // A headset's microphone is nobody's second choice: opening it turns music into telephony.
    let open = sources.filter { !graph.isBluetooth($0) }
    if open.isEmpty, let headset = sources.first { return .failure(heldBack(headset)) }
    guard let best = open.max(by: { ($0.priority, $1.id) < ($1.priority, $0.id) }) else {
      return .failure(BackendError(.noSource, "there is no microphone", hint: "no audio input exists yet"))
    }
    return .success(best)
  }

  /// Whether our stream is linked to the source, and to nothing else. What a virtual source brings comes out of ports that
  /// the server makes as monitors; of any other node those are what is played into it.
  static func isLinked(in graph: GraphMirror, node: UInt32, to source: UInt32) -> Bool {
    let links = graph.links(into: node)
    return !links.isEmpty
      && links.allSatisfy { link in
        guard let port = graph.ports[link.output] else { return false }
        return port.node == source && (!port.isMonitor || graph.nodes[source]?.mediaClass == "Audio/Source/Virtual")
      }
  }

  private static func heldBack(_ source: GraphMirror.Node) -> BackendError {
    BackendError(
      .sourceHeldBack, "the microphone \"\(source.name)\" is a Bluetooth headset's",
      hint: "recording it would switch the headset from music to telephony: name it if that is wanted")
  }

  private static func missing(_ name: String, _ graph: GraphMirror, _ sources: [GraphMirror.Node]) -> BackendError {
    let shown = sources.prefix(8).map { "\"\($0.name)\"" }.joined(separator: ", ")
    let hint = sources.isEmpty ? "no microphone exists" : "microphones here: \(shown)"
    guard let other = graph.nodes.values.first(where: { $0.name == name }) else {
      return BackendError(.sourceNotFound, "no microphone is named \"\(name)\"", hint: hint)
    }
    let kind = other.application == OwnDevice.application ? "streamd's own" : "no microphone but \(other.mediaClass)"
    return BackendError(.notASource, "\"\(name)\" is \(kind)", hint: hint)
  }
}
