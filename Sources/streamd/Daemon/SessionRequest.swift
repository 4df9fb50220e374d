import AudioCore
import AudioIO
import Capture
import Control
import OpusCodec
import Settings
import Wiring

// From what a user asked for, in whichever form, to what a session is.
extension SessionSpec {
  /// A session of the configuration file.
  init(_ session: Settings.Session) throws(ControlError) {
    try self.init(
      name: session.name, to: session.to, stream: session.stream, capture: session.capture, gain: Decibels(0),
      pacing: .ready)
  }

  init(
    name: String, to endpoint: Settings.Endpoint, stream: Settings.Stream, capture: Settings.Capture, gain: Decibels,
    pacing: Pacer.Mode
  ) throws(ControlError) {
    guard let layout = ChannelLayout(channels: stream.channels) else {
      throw ControlError(.badArgs, "\(stream.channels) channels; 1, 2, 6 and 8 are possible", path: "channels")
    }
    guard let frame = FrameDuration(microseconds: stream.frame.microseconds) else {
      throw ControlError(.badArgs, "no such frame length", path: "frame_ms")
    }
    var codec = OpusConfiguration.standard(
      layout: layout, bitrate: stream.bitrate == 0 ? Self.usualBitrate(channels: stream.channels) : stream.bitrate,
      frame: frame)
    codec.complexity = stream.complexity
    codec.variableBitrate = stream.vbr
    do { try codec.validate() } catch { throw SessionError(error).controlError }
    self.init(
      name: name,
      transport: .rtp(
        RTPTerms(
          host: endpoint.host, port: endpoint.port, payloadType: UInt8(stream.payloadType),
          carriesCaptureTime: stream.captureTime)),
      configuration: codec, gain: gain, pacing: pacing,
      source: capture.key)
    isLimited = stream.limiter
  }

  /// Surround gets 96 kbit/s a channel: with less, a steady tone's level is off by up to a decibel in 5 ms packets.
  private static func usualBitrate(channels: Int) -> Int {
    switch channels {
    case 6: 576_000
    case 8: 768_000
    case 1: 64_000
    default: 96_000
    }
  }
}

extension SinkTarget {
  init(_ target: Settings.CaptureTarget) {
    switch target {
    case .defaultSink: self = .defaultSink
    case .sink(let name): self = .named(name)
    case .app, .withoutApp: self = .defaultSink
    }
  }
}

extension SessionError {
  init(_ error: OpusError) { self.init(code: error.code, message: error.message) }
}

extension Settings.Capture {
  var key: Downlink.Key {
    var key = Downlink.Key(
      target: SinkTarget(target), quantum: latency.cycleFrames.map { FrameCount($0) },
      mode: CaptureMode(rawValue: mode.rawValue) ?? .monitor)
    switch target {
    case .app(let rule): key.apps = .only(rule)
    case .withoutApp(let rule): key.apps = .without(rule)
    case .defaultSink, .sink: break
    }
    return key
  }
}
