import AudioCore
import AudioIO
import CPipeWireSystem
import Synchronization

/// What a sink plays, heard through links of our own.
///
/// The node is never connected by the session manager and takes the sink's own channels. It stays one stream to its owner
/// while sinks, servers and layouts come and go.
final class MonitorStream: AudioStream, GraphFollower, @unchecked Sendable {
  private let connection: PipeWireConnection
  private let request: StreamRequest
  private let target: SinkTarget
  private let client: RenderClient
  private let events: @Sendable (StreamEvent) -> Void

  // Loop thread.
  private var running = false
  private var node: StreamNode?
  private var links: [MonitorChoice.LinkWork.Pair: GraphLink] = [:]
  private var sink: UInt32?
  private var position: Int64 = 0
  private var mishaps = StreamMishaps()
  private var status = StreamReport()

  init(
    connection: PipeWireConnection, request: StreamRequest, target: SinkTarget, client: RenderClient,
    events: @escaping @Sendable (StreamEvent) -> Void
  ) {
    self.connection = connection
    self.request = request
    self.target = target
    self.client = client
    self.events = events
  }

  func start() throws(BackendError) {
    connection.locked {
      guard !running else { return }
      running = true
      connection.attach(self)
      graphChanged()
    }
  }

  func stop() {
    connection.locked {
      guard running else { return }
      running = false
      connection.detach(self)
      letGo()
      announce(.stopped)
    }
  }

  var report: StreamReport {
    connection.locked {
      var report = status
      node?.fill(&report)
      return report
    }
  }

  // MARK: Thread: loop

  func serverLost() { letGo() }

  func graphChanged() {
    guard running else { return }
    for pair in ended { links.removeValue(forKey: pair)?.destroy() }
    ended = []
    guard connection.isReady, let core = connection.core else {
      announce(.waiting(connection.failure))
      return
    }
    if let wait = mishaps.wait(at: renderNow(), letGo: letGo) { return connection.later(after: wait) }
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
    if node?.layout != layout {
      letGo()
      makeNode(layout, core: core)
    }
    guard let node else {
      mishaps.note(at: renderNow())
      announce(.waiting(BackendError(.linkRefused, "the server made no stream for us")))
      return connection.later()
    }
    sink = source.sink.id
    guard let id = node.id, connection.graph.nodes[id] != nil else {
      announce(.waiting(BackendError(.starting, "joining the graph")))
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
      node.isOpen = true
      announce(.running(device: source.sink.name))
    } else if connection.graph.ports(of: id).isEmpty {
      announce(
        .waiting(
          BackendError(.starting, "the session manager has not prepared our ports", hint: "is WirePlumber running?")))
    } else if !node.isOpen {
      announce(.waiting(BackendError(.starting, "linking to \"\(source.sink.name)\"")))
    }
  }

  private func makeNode(_ layout: ChannelLayout, core: OpaquePointer) {
    let format = StreamFormat(rate: request.rate, layout: layout)
    status.format = format
    events(.format(format))
    // Never linked by the session manager, never moved by what it remembers. Should anything ever connect us all the
    // same, it may only be to a sink.
    let properties = [
      ("media.category", "Capture"), ("node.autoconnect", "false"), ("state.restore-target", "false"),
      ("state.restore-props", "false"), ("stream.capture.sink", "true"), ("node.dont-reconnect", "true"),
      ("stream.dont-remix", "true"),
    ]
    node = StreamNode(
      core: core, request: request, direction: .capture, layout: layout, client: client, position: position,
      properties: properties, flags: PW_STREAM_FLAG_DONT_RECONNECT.rawValue
    ) { [unowned self] state, error in
      if state == PW_STREAM_STATE_ERROR {
        mishaps.note(at: renderNow())
        announce(.waiting(BackendError(.linkRefused, "the stream failed: \(error ?? "unknown reason")")))
      }
      // Not at once: the first changes come while the stream is still being made.
      connection.later()
    }
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
    for link in MonitorChoice.forbiddenLinks(in: connection.graph, node: id) { connection.destroyGlobal(link) }
  }

  private func unlink() {
    node?.isOpen = false
    for link in links.values { link.destroy() }
    links = [:]
  }

  private func letGo() {
    unlink()
    if let node { position = node.close() }
    node = nil
  }

  private func announce(_ state: StreamState) {
    guard status.state != state else { return }
    status.state = state
    events(.state(state))
  }
}
