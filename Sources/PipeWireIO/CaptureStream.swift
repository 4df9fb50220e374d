import AudioCore
import AudioIO
import CPipeWire
import CPipeWireSystem

/// Records a microphone. The session manager connects it, as it does any recorder, but only to the one that was chosen, and
/// nothing passes until the registry shows that it did.
final class CaptureStream: GraphStream, @unchecked Sendable {
  private let wanted: String?

  // Loop thread.
  /// The node name of the microphone that the stream was made for.
  private var source: String?

  init(
    connection: PipeWireConnection, request: StreamRequest, wanted: String?, client: RenderClient,
    events: @escaping @Sendable (StreamEvent) -> Void
  ) {
    self.wanted = wanted
    super.init(connection: connection, request: request, client: client, events: events)
  }

  // MARK: Thread: loop

  override func look(_ core: OpaquePointer) {
    let choice = CaptureChoice.source(
      in: connection.graph, wanted: wanted, current: source, hearsOwn: request.hearsOwn)
    switch choice {
    case .failure(let error):
      letGo()
      announce(.waiting(error))
    case .success(let found):
      // Another choice is another stream: a session manager would move this one where it likes.
      if node != nil, source != found.name { letGo() }
      if node == nil { makeNode(found.name, core) }
      follow(found)
    }
  }

  private func follow(_ found: GraphMirror.Node) {
    guard let node else { return nodeIsMissing() }
    guard let id = node.id else {
      waitForLink(false)
      return announce(.waiting(.joining))
    }
    let isLinked = CaptureChoice.isLinked(in: connection.graph, node: id, to: found.id)
    node.isOpen = isLinked
    waitForLink(isLinked)
    if standsStill(node, isLinked) {
      letGo()
      announce(.waiting(BackendError(.deviceLost, "\"\(found.name)\" brings no sound, the recorder joins anew")))
      return connection.later()
    }
    announce(
      isLinked
        ? .running(device: found.name)
        : .waiting(BackendError(.starting, "waiting for the session manager to connect the recorder")))
  }

  /// A session manager that overlooked the recorder, which happens to one that comes as another goes, looks at a new one.
  private func waitForLink(_ isLinked: Bool) {
    guard !isLinked else {
      unlinkedSince = nil
      return
    }
    let now = renderNow()
    let since = unlinkedSince ?? now
    unlinkedSince = since
    if now - since > Self.patience {
      letGo()
      unlinkedSince = nil
    }
    connection.later(after: Self.patience)
  }

  /// A microphone that is recorded has cycles. One that brings none is shown as running all the same, so it is said here, and
  /// the recorder joins anew: that helps where the server has forgotten us, and not where the device itself stands still.
  private func standsStill(_ node: StreamNode, _ isLinked: Bool) -> Bool {
    if isLinked { connection.later(after: Self.interval) }
    return watchdog.look(isRunning: isLinked, cycles: node.cycles, at: renderNow())
  }

  private var watchdog = CycleWatchdog(patience: .seconds(1))
  private static let interval = HostDuration.milliseconds(200)
  private var unlinkedSince: HostTime?
  private static let patience = HostDuration.seconds(2)

  private func makeNode(_ name: String, _ core: OpaquePointer) {
    let layout = request.layout ?? .mono
    let spoken = StreamFormat(rate: request.rate, layout: layout)
    if format != spoken { announce(spoken) }
    source = name
    makeNode(
      core: core, direction: .capture, layout: layout,
      properties: [
        ("media.category", "Capture"), ("target.object", name),
        ("node.dont-reconnect", "true"), ("state.restore-target", "false"),
        // One channel of two is their mean: the sum of equal powers would clip a loud voice that is the same in both.
        ("channelmix.normalize", "true"),
      ], flags: PW_STREAM_FLAG_AUTOCONNECT.rawValue)
  }

  override func failure(in state: pw_stream_state, _ error: String?) -> BackendError? {
    guard state == PW_STREAM_STATE_ERROR || state == PW_STREAM_STATE_UNCONNECTED, !connection.isLost else { return nil }
    return BackendError(.linkRefused, "the recorder failed: \(error ?? "its microphone went away")")
  }
}
