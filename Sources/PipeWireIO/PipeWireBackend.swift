public import AudioCore
public import AudioIO

/// PipeWire, through one connection per process.
public final class PipeWireBackend: AudioBackend {
  public let name = "pipewire"
  public let roles: Set<StreamRole.Kind> = [
    .monitor, .streams, .playback, .capture, .feed, .virtualSink, .virtualSource,
  ]

  let connection: PipeWireConnection
  /// The user's choices on this server.
  public let defaultSink: any DefaultDeviceChoice
  public let defaultSource: any DefaultDeviceChoice
  /// What applications play on this server.
  public var appStreams: any AppStreamBook { book }
  private let book: AppStreams
  /// This server's devices.
  public let devices: any DeviceWatch

  /// Never fails because no server runs: streams then wait and say so. `log` gets what is worth a line, on the loop thread.
  public init(remote: String = "", log: @escaping @Sendable (BackendError) -> Void = { _ in }) throws(BackendError) {
    connection = try PipeWireConnection(remote: remote, log: log)
    defaultSink = PipeWireDefaultDevice(.sink, connection: connection, remote: remote)
    defaultSource = PipeWireDefaultDevice(.source, connection: connection, remote: remote)
    book = AppStreams(connection: connection, place: defaultSink.place)
    devices = PipeWireDevices(connection: connection)
  }

  /// An observed choice and the connection hold each other.
  deinit {
    defaultSink.observe(nil)
    defaultSource.observe(nil)
    book.retire()
    devices.observe(nil)
  }

  public func open(
    _ request: StreamRequest, client: RenderClient, events: @escaping @Sendable (StreamEvent) -> Void
  ) throws(BackendError) -> any AudioStream {
    switch request.role {
    case .monitor(let target):
      return MonitorStream(
        connection: connection, request: request, target: target, client: client, events: events)
    case .streams(let target):
      return StreamsStream(
        connection: connection, book: book, request: request, target: target, client: client, events: events)
    case .playback(let target):
      return PlaybackStream(
        connection: connection, request: request, target: target, client: client, events: events)
    case .feed(let preferred):
      return FeedStream(
        connection: connection, request: request, preferred: preferred, client: client, events: events)
    case .virtualSink:
      return OwnDeviceStream(
        connection: connection, device: .sink, request: request, client: client, events: events)
    case .virtualSource:
      guard request.layout?.count ?? 1 <= 2 else {
        throw BackendError(.unsupportedFormat, "a source has one channel or two")
      }
      return OwnDeviceStream(
        connection: connection, device: .source, request: request, client: client, events: events)
    case .capture(let source):
      return CaptureStream(connection: connection, request: request, wanted: source, client: client, events: events)
    }
  }
}
