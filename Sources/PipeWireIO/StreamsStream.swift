import AudioCore
import AudioIO
import CPipeWire
import CPipeWireSystem

/// What plays into a sink, heard beside it through links of our own: a quantum earlier than the sink's monitor.
///
/// PipeWire mixes at our input ports. The node is never connected by the session manager; the user's default and the
/// sources' own links are left alone. When nothing plays no cycle runs, and no frame comes.
final class StreamsStream: AudioStream, GraphFollower, @unchecked Sendable {
  private typealias Pair = StreamsChoice.Pair

  private let connection: PipeWireConnection
  private let request: StreamRequest
  private let target: SinkTarget
  private let client: RenderClient
  private let events: @Sendable (StreamEvent) -> Void

  // Loop thread.
  private var running = false
  private var node: StreamNode?
  private var links: [Pair: GraphLink] = [:]
  private var state = StreamsChoice.State()
  /// Links the server has ended, to be forgotten outside their own callback.
  private var ended: [(pair: Pair, detail: String?)] = []
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
    forgetEnded()
    guard connection.isReady, let core = connection.core else { return announce(.waiting(connection.failure)) }
    if let wait = mishaps.wait(at: renderNow(), letGo: letGo) { return connection.later(after: wait) }
    switch MonitorChoice.source(in: connection.graph, target: target, current: sink) {
    case .failure(let error):
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
      return announce(.waiting(BackendError(.starting, "joining the graph")))
    }
    let now = renderNow()
    let work = StreamsChoice.work(in: connection.graph, source: source, node: id, state: state, at: now)
    refuse(work.forbidden)
    state.prune(wanted: work.wanted, at: now)
    for pair in work.stale { unlink(pair, at: now) }
    for pair in work.missing { link(pair, core: core, at: now) }
    if let time = work.lookAgainAt { connection.later(after: max(time - now, .milliseconds(1))) }
    if work.isReady { node.isOpen = true }
    announce(work.unheard)
    if !work.forbidden.isEmpty {
      announce(.waiting(BackendError(.foreignLink, "a link from what the sink does not play was refused")))
    } else if work.isReady {
      announce(.running(device: source.sink.name))
    } else if connection.graph.ports(of: id).isEmpty {
      announce(
        .waiting(
          BackendError(.starting, "the session manager has not prepared our ports", hint: "is WirePlumber running?")))
    } else if !node.isOpen {
      announce(.waiting(BackendError(.starting, "linking to what plays into \"\(source.sink.name)\"")))
    }
  }

  private func makeNode(_ layout: ChannelLayout, core: OpaquePointer) {
    let format = StreamFormat(rate: request.rate, layout: layout)
    status.format = format
    events(.format(format))
    // Never linked by the session manager, never moved by what it remembers.
    let properties = [
      ("media.category", "Capture"), ("node.autoconnect", "false"), ("state.restore-target", "false"),
      ("state.restore-props", "false"), ("stream.capture.sink", "true"), ("node.dont-reconnect", "true"),
      ("stream.dont-remix", "true"),
    ]
    node = StreamNode(
      core: core, request: request, direction: .capture, layout: layout, hasClockPort: true, client: client,
      position: position, properties: properties, flags: PW_STREAM_FLAG_DONT_RECONNECT.rawValue
    ) { [unowned self] state, error in
      if state == PW_STREAM_STATE_ERROR {
        mishaps.note(at: renderNow())
        announce(.waiting(BackendError(.linkRefused, "the stream failed: \(error ?? "unknown reason")")))
      }
      // Not at once: the first changes come while the stream is still being made.
      connection.later()
    }
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

  private func forgetEnded() {
    let now = renderNow()
    for (pair, detail) in ended {
      unlink(pair, at: now)
      let tries = (state.refused[pair]?.tries ?? 0) + 1
      state.refused[pair] = StreamsChoice.Refusal(tries: tries, at: now, detail: detail)
    }
    ended = []
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

  private func letGo() {
    unlink()
    if let node { position = node.close() }
    node = nil
    state = StreamsChoice.State()
  }

  private func announce(_ state: StreamState) {
    guard status.state != state else { return }
    status.state = state
    events(.state(state))
  }

  private func announce(_ unheard: [UnheardSource]) {
    guard status.unheard != unheard else { return }
    status.unheard = unheard
    events(.unheard(unheard))
  }
}
