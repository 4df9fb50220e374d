import AudioCore
public import Capture
import Glibc
import OpusCodec
import Wire

/// What plain RTP needs to know.
public struct RTPTerms: Sendable, Equatable {
  public var host: String
  public var port: UInt16
  public var payloadType: UInt8
  public var carriesCaptureTime: Bool

  public init(host: String, port: UInt16, payloadType: UInt8, carriesCaptureTime: Bool) {
    self.host = host
    self.port = port
    self.payloadType = payloadType
    self.carriesCaptureTime = carriesCaptureTime
  }
}

/// Plain RTP to a known destination, described by SDP.
public final class RTPLine: SessionLine {
  public let description: String
  public let source: UInt32
  public let localPort: UInt16
  private let rtp: RTPOutlet

  init(_ terms: RTPTerms, _ spec: SessionSpec) throws(SessionError) {
    var random = SystemRandomNumberGenerator()
    let packetizer = RTPPacketizer.random(
      payloadType: terms.payloadType, carriesCaptureTime: terms.carriesCaptureTime, using: &random)
    source = packetizer.source
    do {
      let sink = try DatagramSink(host: terms.host, port: terms.port)
      localPort = sink.localPort
      rtp = RTPOutlet(
        packetizer: packetizer, sink: sink, frame: spec.configuration.frame.frames,
        payloadLimit: FrameEncoder.payloadLimit(spec.configuration), wallOffset: wallClockOffset)
      let codec = spec.configuration
      description = try SessionDescription(
        identifier: UInt64(source), version: 1, name: "streamd", origin: sink.sourceAddress, address: terms.host,
        port: terms.port, payloadType: terms.payloadType,
        audio: AudioDescription(
          layout: codec.layout, streams: codec.streams, coupled: codec.coupled, mapping: codec.mapping,
          packet: codec.frame.frames, bitrate: codec.bitrate, constantBitrate: !codec.variableBitrate),
        captureTimeID: terms.carriesCaptureTime ? 1 : nil
      ).text()
    } catch let error as DatagramError {
      throw SessionError(error)
    } catch {
      throw SessionError(code: "internal", message: "\(error)")
    }
  }

  public var outlet: any PacketOutlet { rtp }
  public var counts: OutletCounts { rtp.counts }
  public func admit(_ spec: SessionSpec) {}
}

/// Unix time minus host time, in nanoseconds. Read anew each time: the wall clock may be set while a stream runs.
@Sendable private func wallClockOffset() -> Int64 {
  var wall = timespec()
  clock_gettime(CLOCK_REALTIME, &wall)
  return Int64(wall.tv_sec) * 1_000_000_000 + Int64(wall.tv_nsec) - renderNow().nanoseconds
}
