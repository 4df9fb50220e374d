public import AudioCore
public import AudioIO

/// A JACK server, or PipeWire in its place: one client per stream, one port per channel. The default target is the
/// server's physical ports; a named one is a client of that name.
///
/// No server is ever started. The period is the server's: a request for another one would change it for everybody.
/// JACK has no monitors and no devices of our own: those roles are errors.
public final class JACKBackend: AudioBackend {
  public let name = "jack"
  public let roles: Set<StreamRole.Kind> = [.playback, .capture]

  private let server: String
  /// This server's devices.
  public let devices: any DeviceWatch

  /// Nil for the user's own server: `JACK_DEFAULT_SERVER`, else `default`.
  public init(server: String? = nil) {
    let server = server ?? JACKLibrary.defaultServer
    self.server = server
    devices = JACKDevices(server: server)
  }

  public func open(
    _ request: StreamRequest, client: RenderClient, events: @escaping @Sendable (StreamEvent) -> Void
  ) throws(BackendError) -> any AudioStream {
    let target: String?
    switch request.role {
    case .playback(to: .defaultSink), .capture(source: nil): target = nil
    case .playback(to: .named(let name)), .capture(source: .some(let name)): target = name
    case let role: throw BackendError(.unsupportedRole, "JACK has no \(role.kind.rawValue)", hint: "PipeWire has")
    }
    guard (1000...768_000).contains(request.rate.hertz) else {
      throw BackendError(.unsupportedFormat, "\(request.rate.hertz) Hz is no rate of sound")
    }
    return KeptStream(
      ServerKeeper(server: server, target: target, request: request, client: client, events: events))
  }
}
