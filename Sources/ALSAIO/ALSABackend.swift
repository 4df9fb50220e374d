public import AudioCore
public import AudioIO

/// ALSA's PCMs: sound cards, and whatever its configuration names. A target is a PCM's name; the default one is `default`.
///
/// ALSA has no monitors and no devices of our own: those roles are errors.
public final class ALSABackend: AudioBackend {
  public let name = "alsa"
  public let roles: Set<StreamRole.Kind> = [.playback, .capture]

  private let configuration: PCMConfiguration
  /// This machine's cards, and what ALSA's configuration names.
  public let devices: any DeviceWatch

  /// `configuration` is files in ALSA's format, with colons between them, in place of the system's.
  public init(configuration: String? = nil) {
    let configuration = PCMConfiguration(files: configuration)
    self.configuration = configuration
    devices = CardWatch { CardListing.read(configuration) }
  }

  public func open(
    _ request: StreamRequest, client: RenderClient, events: @escaping @Sendable (StreamEvent) -> Void
  ) throws(BackendError) -> any AudioStream {
    let name =
      switch request.role {
      case .playback(to: .defaultSink), .capture(source: nil): "default"
      case .playback(to: .named(let name)), .capture(source: .some(let name)): name
      case let role:
        throw BackendError(.unsupportedRole, "ALSA has no \(role.kind.rawValue)", hint: "PipeWire has")
      }
    guard (1000...768_000).contains(request.rate.hertz) else {
      throw BackendError(.unsupportedFormat, "\(request.rate.hertz) Hz is no rate of sound")
    }
    return KeptStream(
      DeviceKeeper(pcm: name, configuration: configuration, request: request, client: client, events: events))
  }
}
