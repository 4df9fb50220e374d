import AudioCore
import AudioIO
import CPipeWire
import CPipeWireSystem

/// Plays into a sink. The session manager connects it, as it does any player.
final class PlaybackStream: GraphStream, @unchecked Sendable {
  private let target: SinkTarget

  init(
    connection: PipeWireConnection, request: StreamRequest, target: SinkTarget, client: RenderClient,
    events: @escaping @Sendable (StreamEvent) -> Void
  ) {
    self.target = target
    super.init(connection: connection, request: request, client: client, events: events)
  }

  // MARK: Thread: loop

  override func look(_ core: OpaquePointer) {
    switch MonitorChoice.source(in: connection.graph, target: target, current: nil) {
    case .failure(let error):
      letGo()
      announce(.waiting(error))
    case .success(let source):
      if node == nil { makeNode(source.sink.name, core: core) }
      guard let node else { return nodeIsMissing() }
      guard let id = node.id else { return announce(.waiting(.joining)) }
      let linked = connection.graph.links.values.contains { connection.graph.ports[$0.output]?.node == id }
      node.isOpen = linked
      announce(
        linked
          ? .running(device: source.sink.name)
          : .waiting(BackendError(.starting, "waiting for the session manager to connect the player")))
    }
  }

  private func makeNode(_ sink: String, core: OpaquePointer) {
    let layout = request.layout ?? .stereo
    announce(StreamFormat(rate: request.rate, layout: layout))
    var properties = [("media.category", "Playback"), ("state.restore-target", "false")]
    if case .named = target { properties.append(("target.object", sink)) }
    makeNode(
      core: core, direction: .playback, layout: layout, properties: properties,
      flags: PW_STREAM_FLAG_AUTOCONNECT.rawValue)
  }

  override func failure(in state: pw_stream_state, _ error: String?) -> BackendError? {
    guard state == PW_STREAM_STATE_ERROR else { return nil }
    return BackendError(.linkRefused, "the player failed: \(error ?? "unknown reason")")
  }
}
