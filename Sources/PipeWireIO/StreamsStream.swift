import AudioCore
import AudioIO
import CPipeWire
import CPipeWireSystem

/// What plays into a sink, heard beside it through links of our own: a quantum earlier than the sink's monitor.
///
/// PipeWire mixes at our input ports. The node is never connected by the session manager; the user's default and the
/// sources' own links are left alone. When nothing plays no cycle runs, and no frame comes.
final class StreamsStream: GraphStream, @unchecked Sendable {
  private typealias Pair = StreamsChoice.Pair

  private let target: SinkTarget
  private let book: AppStreams
  private var listener: Int?

  // Loop thread.
  private var links: [Pair: GraphLink] = [:]
  private var state = StreamsChoice.State()
  /// Links the server has ended, to be forgotten outside their own callback.
  private var ended: [(pair: Pair, detail: String?)] = []
  private var sink: UInt32?

  init(
    connection: PipeWireConnection, book: AppStreams, request: StreamRequest, target: SinkTarget, client: RenderClient,
    events: @escaping @Sendable (StreamEvent) -> Void
  ) {
    self.target = target
    self.book = book
    super.init(connection: connection, request: request, client: client, events: events)
  }

  // MARK: Thread: loop

  /// With a filter, what applications say of themselves has to be known.
  override func willStart() {
    guard let filter = request.filter else { return }
    book.hold()
    let connection = connection
    listener = filter.listen { connection.locked { connection.later() } }
  }

  override func didStop() {
    guard let listener else { return }
    self.listener = nil
    request.filter?.forget(listener)
    book.drop()
  }

  /// Nil where it is not known yet.
  private func hears(_ node: UInt32) -> Bool? {
    guard let filter = request.filter else { return true }
    return book.source(node).map(filter.hears)
  }

  override func look(_ core: OpaquePointer) {
    switch MonitorChoice.source(in: connection.graph, target: target, current: sink) {
    case .failure(let error):
      sink = nil
      unlink()
      if let id = node?.id {
        refuse(StreamsChoice.foreignLinks(in: connection.graph, node: id, state: state, at: renderNow()))
      }
      announce([])
      announce(.waiting(error))
    case .success(let source): follow(source, core: core)
    }
  }

  private func follow(_ source: MonitorChoice.Source, core: OpaquePointer) {
    guard let layout = source.layout else { return }
    if source.sink.id != sink, let youth = connection.youth(of: source.sink.id) {
      connection.later(after: youth)
      // What is heard until then is what was heard before, as long as that exists.
      if let sink, connection.graph.nodes[sink] != nil { return }
      // Its players will be moved.
      unlink()
      return announce(.waiting(BackendError(.starting, "sink \"\(source.sink.name)\" has just appeared")))
    }
    let now = renderNow()
    // Between sinks of different channels nothing is left to be faded: the players were let go.
    if let sink, source.sink.id != sink, connection.graph.nodes[sink] != nil, let node, node.layout == layout,
      !node.fadeOut(at: now)
    {
      // What the sink played until now goes down before its links do.
      if let id = node.id { refuse(StreamsChoice.foreignLinks(in: connection.graph, node: id, state: state, at: now)) }
      return connection.later(after: .milliseconds(1))
    }
    if node?.layout != layout {
      letGo()
      makeNode(layout, core: core)
    }
    guard let node else { return nodeIsMissing() }
    sink = source.sink.id
    guard let id = node.id, connection.graph.nodes[id] != nil else {
      return announce(.waiting(.joining))
    }
    let work = StreamsChoice.work(
      in: connection.graph, source: source, node: id, state: state, at: now,
      reachesOwnSinks: request.filter?.reachesOwnSinks ?? false, hears: hears)
    refuse(work.forbidden)
    state.prune(work, at: now)
    for pair in work.stale { unlink(pair, at: now) }
    for pair in work.missing { link(pair, core: core, at: now) }
    if let time = work.lookAgainAt { connection.later(after: max(time - now, .milliseconds(1))) }
    if work.isReady, let wait = node.open(with: links.values, at: now) { connection.later(after: wait) }
    announce(work.unheard)
    if !work.forbidden.isEmpty {
      announce(.waiting(BackendError(.foreignLink, "a link from what the sink does not play was refused")))
    } else if work.isReady {
      announce(.running(device: source.sink.name))
    } else if connection.graph.ports(of: id).isEmpty {
      announce(.waiting(.unprepared))
    } else if !node.isOpen {
      announce(.waiting(BackendError(.starting, "linking to what plays into \"\(source.sink.name)\"")))
    }
  }

  private func makeNode(_ layout: ChannelLayout, core: OpaquePointer) {
    announce(StreamFormat(rate: request.rate, layout: layout))
    // Never linked by the session manager, never moved by what it remembers.
    let properties = [
      ("media.category", "Capture"), ("node.autoconnect", "false"), ("state.restore-target", "false"),
      ("state.restore-props", "false"), ("stream.capture.sink", "true"), ("node.dont-reconnect", "true"),
      ("stream.dont-remix", "true"),
    ]
    makeNode(
      core: core, direction: .capture, layout: layout, copy: request.filter == nil ? .repairs : .standsBy,
      fadesIn: true, properties: properties,
      flags: PW_STREAM_FLAG_DONT_RECONNECT.rawValue)
  }

  private func link(_ pair: Pair, core: OpaquePointer, at now: HostTime) {
    let link = GraphLink(core: core, graph: connection.graph, pair: pair, isPassive: true) { [unowned self] detail in
      ended.append((pair, detail))
      connection.later()
    }
    guard let link else { return }
    links[pair] = link
    state.made[pair] = now
  }

  override func forgetEndedLinks() {
    let now = renderNow()
    for (pair, detail) in ended {
      unlink(pair, at: now)
      let tries = (state.refused[pair]?.tries ?? 0) + 1
      state.refused[pair] = StreamsChoice.Refusal(tries: tries, at: now, detail: detail)
    }
    ended = []
  }

  override func playersWillMove(_ move: PlayerMove) {
    guard let sink else { return }
    let now = renderNow()
    for player in StreamsChoice.leaving(sink, with: move, in: connection.graph) {
      state.leaving[player] = now
      for pair in links.keys where connection.graph.ports[pair.output]?.node == player { unlink(pair, at: now) }
    }
    connection.later()
  }

  /// Shuts the gate before it destroys, so that not a frame of what comes over them passes.
  private func refuse(_ foreign: [UInt32]) {
    guard !foreign.isEmpty else { return }
    node?.isOpen = false
    for link in foreign { connection.destroyGlobal(link) }
  }

  private func unlink(_ pair: Pair, at now: HostTime) {
    links.removeValue(forKey: pair)?.destroy()
    if state.made.removeValue(forKey: pair) != nil { state.going[pair] = now }
  }

  private func unlink() {
    node?.isOpen = false
    let now = renderNow()
    for pair in links.keys { unlink(pair, at: now) }
    ended = []
    state.refused = [:]
  }

  override func letGo() {
    unlink()
    super.letGo()
    state = StreamsChoice.State()
  }
}
