import AudioCore
import AudioIO
import CPipeWire
import CPipeWireSystem
import Synchronization

/// What a sink plays, heard through links of our own.
///
/// The node is never connected by the session manager and takes the sink's own channels. It stays one stream to its owner
/// while sinks, servers and layouts come and go.
final class MonitorStream: GraphStream, @unchecked Sendable {
  private let target: SinkTarget

  // Loop thread.
  private var links: [MonitorChoice.LinkWork.Pair: GraphLink] = [:]
  private var sink: UInt32?

  init(
    connection: PipeWireConnection, request: StreamRequest, target: SinkTarget, client: RenderClient,
    events: @escaping @Sendable (StreamEvent) -> Void
  ) {
    self.target = target
    super.init(connection: connection, request: request, client: client, events: events)
  }

  // MARK: Thread: loop

  override func look(_ core: OpaquePointer) {
    switch MonitorChoice.source(in: connection.graph, target: target, current: sink) {
    case .failure(let error):
      unlink()
      refuseForeignLinks()
      announce(.waiting(error))
    case .success(let source): follow(source, core: core)
    }
  }

  private func follow(_ source: MonitorChoice.Source, core: OpaquePointer) {
    guard let layout = source.layout else { return }
    if source.sink.id != sink || links.isEmpty, let youth = connection.youth(of: source.sink.id) {
      connection.later(after: youth)
      // What is heard until then is what was heard before, as long as that exists.
      if let sink, sink != source.sink.id, connection.graph.nodes[sink] != nil { return }
      unlink()
      return announce(.waiting(BackendError(.starting, "sink \"\(source.sink.name)\" has just appeared")))
    }
    let now = renderNow()
    if let sink, source.sink.id != sink, connection.graph.nodes[sink] != nil, let node, !node.fadeOut(at: now) {
      // What the sink played until now goes down before its links do.
      refuseForeignLinks()
      return connection.later(after: .milliseconds(1))
    }
    if node?.layout != layout {
      letGo()
      makeNode(layout, core: core)
    }
    guard let node else { return nodeIsMissing() }
    sink = source.sink.id
    guard let id = node.id, connection.graph.nodes[id] != nil else {
      announce(.waiting(.joining))
      return
    }
    let work = MonitorChoice.linkWork(in: connection.graph, source: source, node: id, made: Set(links.keys))
    for forbidden in work.forbidden {
      node.isOpen = false
      connection.destroyGlobal(forbidden)
    }
    for pair in work.stale { links.removeValue(forKey: pair)?.destroy() }
    for pair in work.missing { link(pair, core: core) }
    if !work.forbidden.isEmpty {
      announce(.waiting(BackendError(.foreignLink, "a link from something that is no sink was refused")))
    } else if work.isComplete {
      if let wait = node.open(with: links.values, at: now) { connection.later(after: wait) }
      announce(.running(device: source.sink.name))
    } else if connection.graph.ports(of: id).isEmpty {
      announce(.waiting(.unprepared))
    } else if !node.isOpen {
      announce(.waiting(BackendError(.starting, "linking to \"\(source.sink.name)\"")))
    }
  }

  private func makeNode(_ layout: ChannelLayout, core: OpaquePointer) {
    announce(StreamFormat(rate: request.rate, layout: layout))
    // Never linked by the session manager, never moved by what it remembers. Should anything ever connect us all the
    // same, it may only be to a sink.
    let properties = [
      ("media.category", "Capture"), ("node.autoconnect", "false"), ("state.restore-target", "false"),
      ("state.restore-props", "false"), ("stream.capture.sink", "true"), ("node.dont-reconnect", "true"),
      ("stream.dont-remix", "true"),
    ]
    makeNode(
      core: core, direction: .capture, layout: layout, fadesIn: true, properties: properties,
      flags: PW_STREAM_FLAG_DONT_RECONNECT.rawValue)
  }

  private func link(_ pair: MonitorChoice.LinkWork.Pair, core: OpaquePointer) {
    // Checked again at the last moment, by media class: nothing but a sink's monitor.
    guard connection.graph.isSinkMonitor(pair.output) else { return }
    links[pair] = GraphLink(core: core, graph: connection.graph, pair: pair) { [unowned self] _ in
      ended.append(pair)
      connection.later()
    }
  }

  /// Links the server has ended, to be forgotten outside their own callback.
  private var ended: [MonitorChoice.LinkWork.Pair] = []

  private func refuseForeignLinks() {
    guard let id = node?.id else { return }
    for link in MonitorChoice.forbiddenLinks(in: connection.graph, node: id) {
      node?.isOpen = false
      connection.destroyGlobal(link)
    }
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
    super.letGo()
  }
}
