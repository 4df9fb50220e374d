import AudioCore
import AudioIO
import CPipeWire
import CPipeWireSystem

/// A device of this process: users choose it like any other. What is played into our sink is rendered in the same graph
/// cycle; what is rendered into our source is recorded in the same one.
///
/// The session manager gives it ports and connects players or recorders to it. It is there from `start` to `stop`, whether
/// anybody uses it or not, and made again under its name when the server comes back or somebody has removed it.
///
/// A sink's volume and mute can be moved, and players' levels may change with them on screen, but what the client hears
/// does not: it would otherwise depend on a knob that nobody at the host can hear.
final class OwnDeviceStream: GraphStream, @unchecked Sendable {
  private let device: OwnDevice

  // Loop thread.

  init(
    connection: PipeWireConnection, device: OwnDevice, request: StreamRequest, client: RenderClient,
    events: @escaping @Sendable (StreamEvent) -> Void
  ) {
    self.device = device
    super.init(connection: connection, request: request, client: client, events: events)
  }

  // MARK: Thread: loop

  override func look(_ core: OpaquePointer) {
    if node == nil { makeNode(core) }
    guard let node else { return nodeIsMissing() }
    guard let id = node.id, connection.graph.nodes[id] != nil else {
      return announce(.waiting(.joining))
    }
    if device == .sink { connection.own(id, true) }
    guard device.isComplete(connection.graph.ports(of: id), node.layout) else {
      return announce(.waiting(.unprepared))
    }
    announce(.running(device: request.name))
  }

  private func makeNode(_ core: OpaquePointer) {
    let layout = request.layout ?? device.usualLayout
    let wanted = StreamFormat(rate: request.rate, layout: layout)
    if format != wanted { announce(wanted) }
    makeNode(
      core: core, direction: device.direction, layout: layout, properties: device.properties(layout), flags: 0)
    // Whoever plays into a sink means to be heard, and whoever records a source to hear: there is no link to verify.
    node?.isOpen = true
  }

  override var noun: String { device.rawValue }

  /// With the server everything goes, and the connection has said so.
  override func failure(in state: pw_stream_state, _ error: String?) -> BackendError? {
    guard !connection.isLost else { return nil }
    guard state == PW_STREAM_STATE_UNCONNECTED else { return super.failure(in: state, error) }
    return BackendError(.deviceLost, "somebody has removed the \(noun)")
  }

  override func complete(_ report: inout StreamReport) {
    if let id = node?.id { report.users = connection.graph.neighbours(of: id).count }
    report.isDriven = node?.isDriven ?? false
  }

  override func letGo() {
    if let id = node?.id { connection.own(id, false) }
    super.letGo()
  }
}
