import AudioCore
import AudioIO
import CPipeWire
import CPipeWireSystem

/// What every stream has in common: a node that is made while a server answers, let go when it is lost or has failed, and
/// made again, one stream to its owner all the while.
///
/// What it is linked to, and when it may be heard, is a subclass's: it looks at the graph in `look`.
class GraphStream: AudioStream, GraphFollower, @unchecked Sendable {
  let connection: PipeWireConnection
  let request: StreamRequest
  private let client: RenderClient
  private let events: @Sendable (StreamEvent) -> Void

  // Loop thread.
  private(set) var node: StreamNode?
  private var running = false
  private var position: Int64 = 0
  private var mishaps = StreamMishaps()
  private var status = StreamReport()
  private var announcedAt = HostTime(nanoseconds: 0)
  private static let noticed = HostDuration.milliseconds(100)

  init(
    connection: PipeWireConnection, request: StreamRequest, client: RenderClient,
    events: @escaping @Sendable (StreamEvent) -> Void
  ) {
    self.connection = connection
    self.request = request
    self.client = client
    self.events = events
  }

  final func start() throws(BackendError) {
    connection.locked {
      guard !running else { return }
      running = true
      willStart()
      connection.attach(self)
      graphChanged()
    }
  }

  final func stop() {
    connection.locked {
      guard running else { return }
      running = false
      connection.detach(self)
      letGo()
      didStop()
      announce(.stopped)
    }
  }

  final var report: StreamReport {
    connection.locked {
      var report = status
      node?.fill(&report)
      complete(&report)
      return report
    }
  }

  // MARK: Thread: loop

  final func serverLost() { letGo() }

  final func graphChanged() {
    guard running else { return }
    forgetEndedLinks()
    guard connection.isReady, let core = connection.core else { return announce(.waiting(connection.failure)) }
    if let wait = mishaps.wait(at: renderNow(), letGo: letGo) { return connection.later(after: wait) }
    look(core)
  }

  // MARK: For subclasses

  /// Brings node and links in line with the graph, and says how things stand.
  func look(_ core: OpaquePointer) {}

  /// Links the server has ended are forgotten outside their own callback.
  func forgetEndedLinks() {}

  func playersWillMove(_ move: PlayerMove) {}

  /// What else is needed while it runs, and let go after.
  func willStart() {}
  func didStop() {}

  /// What else a report says.
  func complete(_ report: inout StreamReport) {}

  /// What the node is to people.
  var noun: String { "stream" }

  /// What a node's state means; nil when nothing is wrong.
  func failure(in state: pw_stream_state, _ error: String?) -> BackendError? {
    guard state == PW_STREAM_STATE_ERROR else { return nil }
    return BackendError(.linkRefused, "the \(noun) failed: \(error ?? "unknown reason")")
  }

  /// Ends the node. A subclass lets go of its links first.
  func letGo() {
    if let node { position = node.close() }
    node = nil
  }

  final func makeNode(
    core: OpaquePointer, direction: StreamNode.Direction, layout: ChannelLayout, copy: MonitorCopy.Use = .none,
    fadesIn: Bool = false, properties: [(String, String)], flags: UInt32
  ) {
    node = StreamNode(
      core: core, request: request, direction: direction, layout: layout, copy: copy, fadesIn: fadesIn,
      client: client, position: position, properties: properties, flags: flags
    ) { [unowned self] state, error in
      if let failure = failure(in: state, error) {
        mishaps.note(at: renderNow())
        announce(.waiting(failure))
      }
      // Not at once: the first changes come while the stream is still being made.
      connection.later()
    }
  }

  /// The server refused the node: it is tried again after a while.
  final func nodeIsMissing() {
    mishaps.note(at: renderNow())
    announce(.waiting(BackendError(.linkRefused, "the server made no \(noun) for us")))
    connection.later()
  }

  final var format: StreamFormat? { status.format }

  final func announce(_ format: StreamFormat) {
    status.format = format
    events(.format(format))
  }

  final func announce(_ state: StreamState) {
    guard status.state != state else { return }
    let now = renderNow()
    // A foreign link is gone as soon as it is seen: who watches states, and not each of them, must have time to see it.
    if case .waiting(let error) = status.state, error.code == .foreignLink, case .running = state,
      now - announcedAt < Self.noticed
    {
      return connection.later(after: Self.noticed - (now - announcedAt))
    }
    announcedAt = now
    status.state = state
    events(.state(state))
  }

  final func announce(_ unheard: [UnheardSource]) {
    guard status.unheard != unheard else { return }
    status.unheard = unheard
    events(.unheard(unheard))
  }
}

extension BackendError {
  static let joining = BackendError(.starting, "joining the graph")
  static let unprepared = BackendError(
    .starting, "the session manager has not prepared our ports", hint: "is WirePlumber running?")
}
