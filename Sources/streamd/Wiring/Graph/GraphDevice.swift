public import AudioCore
import AudioIO

/// What drives a graph: a sound system, one of its devices, and how it is to run.
public struct GraphDevice: Hashable, Sendable {
  /// `pipewire`, `alsa`, `jack`, `null`.
  public var system: String
  /// A sink's node name, a PCM, a client; nil for the system's default.
  public var name: String?
  public var format: StreamFormat
  /// Asked for; the device decides.
  public var period: FrameCount
  /// What its stream is called, and what people read.
  public var face = Face()

  public struct Face: Hashable, Sendable {
    public var name = "streamd.graph"
    public var description = "streamd graph"

    public init() {}
  }

  public init(system: String, name: String? = nil, format: StreamFormat, period: FrameCount) {
    self.system = system
    self.name = name
    self.format = format
    self.period = period
  }

  /// The words that name it, where it is not whatever is the default.
  var claim: DeviceClaim? {
    guard let name, system != "null" else { return nil }
    return DeviceClaim(name, DeviceScope(.output, system: system))
  }

  /// For the device that is called so now.
  func request(_ name: String?) -> StreamRequest {
    // A clock without a device is ALSA's PCM of that name.
    let target = system == "null" ? "null" : name
    return StreamRequest(
      role: .playback(to: target.map { .named($0) } ?? .defaultSink), name: face.name,
      description: face.description, layout: format.layout, rate: format.rate, quantum: period)
  }
}
