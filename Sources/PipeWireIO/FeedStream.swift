import AudioCore
import AudioIO
import CPipeWire
import CPipeWireSystem

/// Plays into a real sink through links of our own, in the sink's own channels.
///
/// The session manager never connects it: as a player like any other it would be moved to the default sink, and that may
/// be the very sink whose sound it plays.
final class FeedStream: GraphStream, @unchecked Sendable {
  private let preferred: String?

  // Loop thread.
  private var links: [FeedChoice.Pair: GraphLink] = [:]
  /// Links the server has ended, to be forgotten outside their own callback.
  private var ended: [FeedChoice.Pair] = []
  private var sink: UInt32?

  init(
    connection: PipeWireConnection, request: StreamRequest, preferred: String?, client: RenderClient,
    events: @escaping @Sendable (StreamEvent) -> Void
  ) {
    self.preferred = preferred
    super.init(connection: connection, request: request, client: client, events: events)
  }

  // MARK: Thread: loop

  override func look(_ core: OpaquePointer) {
    switch FeedChoice.source(in: connection.graph, preferred: preferred, current: sink) {
    case .failure(let error):
      unlink()
      announce(.waiting(error))
    case .success(let source): follow(source, core: core)
    }
  }

  private func follow(_ source: MonitorChoice.Source, core: OpaquePointer) {
    guard let layout = source.layout else { return }
    if node?.layout != layout {
      letGo()
      makeNode(layout, core: core)
    }
    guard let node else { return nodeIsMissing() }
    sink = source.sink.id
    guard let id = node.id, connection.graph.nodes[id] != nil else {
      return announce(.waiting(.joining))
    }
    if request.isHeard { connection.hear(id, true) }
    let work = FeedChoice.linkWork(in: connection.graph, source: source, node: id, made: Set(links.keys))
    for forbidden in work.forbidden {
      node.isOpen = false
      connection.destroyGlobal(forbidden)
    }
    for pair in work.stale { links.removeValue(forKey: pair)?.destroy() }
    for pair in work.missing {
      links[pair] = GraphLink(core: core, graph: connection.graph, pair: pair) { [unowned self] _ in
        ended.append(pair)
        connection.later()
      }
    }
    if !work.forbidden.isEmpty {
      announce(.waiting(BackendError(.foreignLink, "a link from the copy to something else was refused")))
    } else if work.isComplete {
      node.isOpen = true
      announce(.running(device: source.sink.name))
    } else if !node.isOpen {
      announce(.waiting(BackendError(.starting, "linking to \"\(source.sink.name)\"")))
    }
  }

  private func makeNode(_ layout: ChannelLayout, core: OpaquePointer) {
    announce(StreamFormat(rate: request.rate, layout: layout))
    let properties = [
      ("media.category", "Playback"), ("node.autoconnect", "false"), ("state.restore-target", "false"),
      ("state.restore-props", "false"), ("node.dont-reconnect", "true"), ("stream.dont-remix", "true"),
    ]
    makeNode(
      core: core, direction: .playback, layout: layout, properties: properties,
      flags: PW_STREAM_FLAG_DONT_RECONNECT.rawValue)
  }

  override func forgetEndedLinks() {
    for pair in ended { links.removeValue(forKey: pair)?.destroy() }
    ended = []
  }

  private func unlink() {
    node?.isOpen = false
    for link in links.values { link.destroy() }
    links = [:]
  }

  override func letGo() {
    unlink()
    if let id = node?.id { connection.hear(id, false) }
    super.letGo()
  }
}
