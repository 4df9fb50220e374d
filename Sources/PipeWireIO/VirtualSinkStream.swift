import AudioCore
import AudioIO
import CPipeWire
import CPipeWireSystem

/// A sink of this process: users choose it like any other, and what is played into it is rendered in the same graph cycle.
///
/// The session manager gives it ports and connects players to it. Its volume and mute can be moved, and players' levels
/// may change with them on screen, but what the client hears does not: it would otherwise depend on a knob that nobody at
/// the host can hear. The node is made again, under its name, whenever the server comes back.
final class VirtualSinkStream: AudioStream, GraphFollower, @unchecked Sendable {
  private let connection: PipeWireConnection
  private let request: StreamRequest
  private let client: RenderClient
  private let events: @Sendable (StreamEvent) -> Void

  // Loop thread.
  private var running = false
  private var node: StreamNode?
  private var position: Int64 = 0
  private var mishaps = StreamMishaps()
  private var status = StreamReport()

  init(
    connection: PipeWireConnection, request: StreamRequest, client: RenderClient,
    events: @escaping @Sendable (StreamEvent) -> Void
  ) {
    self.connection = connection
    self.request = request
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
    if node == nil { makeNode(core) }
    guard let node else {
      mishaps.note(at: renderNow())
      announce(.waiting(BackendError(.linkRefused, "the server made no sink for us")))
      return connection.later()
    }
    guard let id = node.id, connection.graph.nodes[id] != nil else {
      return announce(.waiting(BackendError(.starting, "joining the graph")))
    }
    let inputs = connection.graph.ports(of: id).count { !$0.isOutput }
    guard inputs == node.layout.count else {
      return announce(
        .waiting(
          BackendError(.starting, "the session manager has not prepared our ports", hint: "is WirePlumber running?")))
    }
    announce(.running(device: request.name))
  }

  private func makeNode(_ core: OpaquePointer) {
    let layout = request.layout ?? .stereo
    let format = StreamFormat(rate: request.rate, layout: layout)
    if status.format != format {
      status.format = format
      events(.format(format))
    }
    let properties = [
      ("media.class", "Audio/Sink"), ("node.virtual", "true"), ("node.autoconnect", "false"),
      ("audio.channels", "\(layout.count)"), ("audio.position", layout.names.joined(separator: ",")),
      // Taken as default when there is nothing better, never over a real device.
      ("priority.session", "100"),
      // Idle it costs nothing; suspended it would have to negotiate anew before the first sample.
      ("session.suspend-timeout-seconds", "0"), ("state.restore-props", "false"),
      ("monitor.channel-volumes", "false"),
    ]
    node = StreamNode(
      core: core, request: request, direction: .sink, layout: layout, client: client, position: position,
      properties: properties, flags: 0
    ) { [unowned self] state, error in
      if state == PW_STREAM_STATE_ERROR {
        mishaps.note(at: renderNow())
        announce(.waiting(BackendError(.linkRefused, "the sink failed: \(error ?? "unknown reason")")))
      }
      // Not at once: the first changes come while the stream is still being made.
      connection.later()
    }
    // Whoever plays into a sink means to be heard: there is no link to verify.
    node?.isOpen = true
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
