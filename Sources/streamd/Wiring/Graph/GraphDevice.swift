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

  public init(system: String, name: String? = nil, format: StreamFormat, period: FrameCount) {
    self.system = system
    self.name = name
    self.format = format
    self.period = period
  }

  var request: StreamRequest {
    // A clock without a device is ALSA's PCM of that name.
    let target = system == "null" ? "null" : name
    return StreamRequest(
      role: .playback(to: target.map { .named($0) } ?? .defaultSink), name: "streamd.graph",
      description: "streamd graph", layout: format.layout, rate: format.rate, quantum: period)
  }
}
