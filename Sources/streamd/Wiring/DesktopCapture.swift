public import AudioCore
public import AudioIO
public import Capture
import Mixer

extension DesktopCapturer {
  /// Opens a capture of what a sink plays, in 1, 2, 6 or 8 interleaved channels at 48 kHz.
  ///
  /// A sink that does not exist yet is no error: chunks are empty until it does.
  /// Thread: control.
  public static func open(
    channels: Int, from target: SinkTarget = .defaultSink, on backend: any AudioBackend,
    idleTimeout: HostDuration = .milliseconds(250)
  ) throws(BackendError) -> DesktopCapturer {
    guard let layout = ChannelLayout(channels: channels) else {
      throw BackendError(.unsupportedFormat, "\(channels) channels; 1, 2, 6 and 8 are possible")
    }
    let downlink = try Downlink(
      backend: backend, key: Downlink.Key(target: target, quantum: nil), name: "streamd.capturer"
    ) {}
    let bus = BusOutput(layout: layout, capacity: 48_000)
    let feed = Feed(
      reader: bus.makeReader(), signal: bus.signal, layout: layout, floodedFrames: { bus.floodedFrames },
      isAlive: { downlink.isAlive }, close: { downlink.stop() })
    downlink.add(bus)
    return DesktopCapturer(feed, idleTimeout: idleTimeout)
  }
}
