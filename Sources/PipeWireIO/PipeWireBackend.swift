public import AudioCore
public import AudioIO

/// PipeWire, through one connection per process.
public final class PipeWireBackend: AudioBackend {
  public let name = "pipewire"
  public let roles: Set<StreamRole.Kind> = [.monitor, .streams, .playback, .virtualSink]

  private let connection: PipeWireConnection
  /// The user's choice of default sink on this server.
  public let defaultSink: any DefaultSinkChoice

  /// Never fails because no server runs: streams then wait and say so. `log` gets what is worth a line, on the loop thread.
  public init(remote: String = "", log: @escaping @Sendable (BackendError) -> Void = { _ in }) throws(BackendError) {
    connection = try PipeWireConnection(remote: remote, log: log)
    defaultSink = PipeWireDefaultSink(connection: connection, remote: remote)
  }

  /// An observed choice and the connection hold each other.
  deinit { defaultSink.observe(nil) }

  public func open(
    _ request: StreamRequest, client: RenderClient, events: @escaping @Sendable (StreamEvent) -> Void
  ) throws(BackendError) -> any AudioStream {
    switch request.role {
    case .monitor(let target):
      return MonitorStream(
        connection: connection, request: request, target: target, client: client, events: events)
    case .streams(let target):
      return StreamsStream(
        connection: connection, request: request, target: target, client: client, events: events)
    case .playback(let target):
      return PlaybackStream(
        connection: connection, request: request, target: target, client: client, events: events)
    case .virtualSink:
      return VirtualSinkStream(connection: connection, request: request, client: client, events: events)
    case .capture, .virtualSource:
      throw BackendError(.unsupportedRole, "the pipewire backend does not offer \(request.role.kind.rawValue) yet")
    }
  }
}
