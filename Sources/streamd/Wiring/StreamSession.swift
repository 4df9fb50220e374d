public import AudioCore
import AudioIO
public import Capture
import Glibc
import Mixer
public import OpusCodec
import Wire

/// What a session is asked to be.
public struct SessionSpec: Sendable, Equatable {
  public var name: String
  public var host: String
  public var port: UInt16
  public var configuration: OpusConfiguration
  public var payloadType: UInt8
  public var carriesCaptureTime: Bool
  public var gain: Decibels
  public var source: Downlink.Key

  public init(
    name: String, host: String, port: UInt16, configuration: OpusConfiguration, payloadType: UInt8,
    carriesCaptureTime: Bool, gain: Decibels, source: Downlink.Key
  ) {
    self.name = name
    self.host = host
    self.port = port
    self.configuration = configuration
    self.payloadType = payloadType
    self.carriesCaptureTime = carriesCaptureTime
    self.gain = gain
    self.source = source
  }
}

/// One client being served: a bus of the downlink, its encoder and the thread of that encoder.
public final class StreamSession: @unchecked Sendable {
  public let identifier: String
  public let spec: SessionSpec
  public let openedAt: HostTime
  /// What the client needs to play the stream.
  public let description: String
  public let source: UInt32
  public let localPort: UInt16

  private let downlink: Downlink
  private let bus: BusOutput
  private let encoder: FrameEncoder
  private let thread: EncodeThread

  /// Room for the longest quantum twice over.
  private static let ringFrames = FrameCount(16_384)

  /// Thread: control.
  public init(identifier: String, spec: SessionSpec, downlink: Downlink) throws(SessionError) {
    self.identifier = identifier
    self.spec = spec
    self.downlink = downlink
    openedAt = renderNow()
    bus = BusOutput(
      layout: spec.configuration.layout, capacity: Self.ringFrames, wakeAt: spec.configuration.frame.frames)
    bus.setGain(spec.gain)
    var random = SystemRandomNumberGenerator()
    let packetizer = RTPPacketizer.random(
      payloadType: spec.payloadType, carriesCaptureTime: spec.carriesCaptureTime, using: &random)
    source = packetizer.source
    do {
      let sink = try DatagramSink(host: spec.host, port: spec.port)
      description = try Self.describe(spec, identifier: UInt64(source), origin: sink.sourceAddress)
      encoder = try FrameEncoder(
        reader: bus.makeReader(), busLayout: spec.configuration.layout, configuration: spec.configuration,
        packetizer: packetizer, sink: sink, start: openedAt, wallOffset: wallClockOffset)
      thread = try EncodeThread(encoder: encoder, signal: bus.signal)
      localPort = sink.localPort
    } catch let error as SessionError {
      throw error
    } catch let error as OpusError {
      throw SessionError(code: error.code, message: error.message)
    } catch let error as DatagramError {
      throw SessionError(code: error.code, message: error.message)
    } catch {
      throw SessionError(code: "internal", message: "\(error)")
    }
    downlink.add(bus)
  }

  /// Thread: control.
  public func close() {
    downlink.remove(bus)
    thread.stop()
  }

  public func statistics(resetLevels: Bool = false) -> FrameEncoder.Statistics {
    encoder.statistics(resetLevels: resetLevels)
  }

  public var floodedFrames: Int { bus.floodedFrames }
  public var scheduling: String { thread.scheduling }

  private static func describe(
    _ spec: SessionSpec, identifier: UInt64, origin: String
  ) throws(SDPError) -> String {
    let codec = spec.configuration
    return try SessionDescription(
      identifier: identifier, version: 1, name: "streamd", origin: origin, address: spec.host, port: spec.port,
      payloadType: spec.payloadType,
      audio: AudioDescription(
        layout: codec.layout, streams: codec.streams, coupled: codec.coupled, mapping: codec.mapping,
        packet: codec.frame.frames, bitrate: codec.bitrate, constantBitrate: !codec.variableBitrate),
      captureTimeID: spec.carriesCaptureTime ? 1 : nil
    ).text()
  }
}

public struct SessionError: Error, Sendable, Equatable {
  public var code: String
  public var message: String

  public init(code: String, message: String) {
    self.code = code
    self.message = message
  }
}

/// Unix time minus host time, in nanoseconds. Read anew each time: the wall clock may be set while a stream runs.
private func wallClockOffset() -> Int64 {
  var wall = timespec()
  clock_gettime(CLOCK_REALTIME, &wall)
  return Int64(wall.tv_sec) * 1_000_000_000 + Int64(wall.tv_nsec) - renderNow().nanoseconds
}
