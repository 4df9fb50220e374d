import AudioCore
import AudioIO
import CPipeWireSystem

/// Plays into a sink. The session manager connects it, as it does any player.
final class PlaybackStream: AudioStream, GraphFollower, @unchecked Sendable {
  private let connection: PipeWireConnection
  private let request: StreamRequest
  private let target: SinkTarget
  private let client: RenderClient
  private let events: @Sendable (StreamEvent) -> Void

  // Loop thread.
  private var running = false
  private var node: StreamNode?
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
    guard connection.isReady, let core = connection.core else {
      announce(.waiting(connection.failure))
      return
    }
    if let wait = mishaps.wait(at: renderNow(), letGo: letGo) { return connection.later(after: wait) }
    switch MonitorChoice.source(in: connection.graph, target: target, current: nil) {
    case .failure(let error):
      letGo()
      announce(.waiting(error))
    case .success(let source):
      if node == nil { makeNode(source.sink.name, core: core) }
      guard let node else {
        mishaps.note(at: renderNow())
        announce(.waiting(BackendError(.linkRefused, "the server made no stream for us")))
        return connection.later()
      }
      guard let id = node.id else { return announce(.waiting(BackendError(.starting, "joining the graph"))) }
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
    let format = StreamFormat(rate: request.rate, layout: layout)
    status.format = format
    events(.format(format))
    var properties = [("media.category", "Playback"), ("state.restore-target", "false")]
    if case .named = target { properties.append(("target.object", sink)) }
    node = StreamNode(
      core: core, request: request, direction: .playback, layout: layout, client: client, position: position,
      properties: properties, flags: PW_STREAM_FLAG_AUTOCONNECT.rawValue
    ) { [unowned self] state, error in
      if state == PW_STREAM_STATE_ERROR {
        mishaps.note(at: renderNow())
        announce(.waiting(BackendError(.linkRefused, "the player failed: \(error ?? "unknown reason")")))
      }
      // Not at once: the first changes come while the stream is still being made.
      connection.later()
    }
  }

  private func letGo() {
    if let node { position = node.close() }
    node = nil
  }

  private func announce(_ state: StreamState) {
    guard status.state != state else { return }
    status.state = state
    events(.state(state))
  }
}
