public import AudioCore
public import Capture
public import OpusCodec

/// What a session is asked to be.
public struct SessionSpec: Sendable, Equatable {
  /// How packets look on the wire, and where they go.
  public enum Transport: Sendable, Equatable {
    case rtp(RTPTerms)
    case gameStream(GameStreamTerms)
  }

  public var name: String
  public var transport: Transport
  public var configuration: OpusConfiguration
  public var gain: Decibels
  public var isMuted = false
  public var pacing: Pacer.Mode
  public var source: Downlink.Key
  public var hostAudio = HostAudioMode.keep

  public init(
    name: String, transport: Transport, configuration: OpusConfiguration, gain: Decibels, pacing: Pacer.Mode,
    source: Downlink.Key
  ) {
    self.name = name
    self.transport = transport
    self.configuration = configuration
    self.gain = gain
    self.pacing = pacing
    self.source = source
  }

  var encoderKey: SharedEncoder.Key {
    SharedEncoder.Key(
      configuration: configuration, shape: FrameEncoder.Shape(block: transport.block, pacing: pacing),
      gain: isMuted ? nil : gain)
  }
}

/// What may change while a session runs.
public struct SessionChange: Sendable, Equatable {
  public var gain: Decibels?
  public var isMuted: Bool?
  public var bitrate: Int?

  public init(gain: Decibels? = nil, isMuted: Bool? = nil, bitrate: Int? = nil) {
    self.gain = gain
    self.isMuted = isMuted
    self.bitrate = bitrate
  }
}

/// One client being served: its place at an encoder of the downlink, and its own end of the wire.
/// Thread: control.
public final class StreamSession {
  public let identifier: String
  public private(set) var spec: SessionSpec
  public let openedAt: HostTime
  public let line: any SessionLine

  private let downlink: Downlink
  private let slot: OutletSlot
  private var encoder: SharedEncoder

  public init(identifier: String, spec: SessionSpec, downlink: Downlink) throws(SessionError) {
    self.identifier = identifier
    self.spec = spec
    self.downlink = downlink
    openedAt = renderNow()
    line = try spec.transport.open(spec)
    slot = OutletSlot(line.outlet, frame: spec.configuration.frame.frames)
    encoder = try downlink.attach(slot, as: spec.encoderKey)
  }

  public func close() { downlink.detach(slot, from: encoder) }

  public func apply(_ change: SessionChange) throws(SessionError) {
    var wanted = spec
    if let gain = change.gain { wanted.gain = gain }
    if let isMuted = change.isMuted { wanted.isMuted = isMuted }
    if let bitrate = change.bitrate { wanted.configuration.bitrate = bitrate }
    do { try wanted.configuration.validate() } catch { throw SessionError(code: error.code, message: error.message) }
    try line.admit(wanted)
    encoder = try downlink.move(slot, from: encoder, to: wanted.encoderKey)
    spec = wanted
  }

  public func statistics(resetLevels: Bool = false) -> FrameEncoder.Statistics {
    encoder.statistics(resetLevels: resetLevels)
  }

  public var floodedFrames: Int { encoder.floodedFrames }
  public var scheduling: String { encoder.scheduling }
  /// Sessions that are served by the same encoder, this one included.
  public var shares: Int { encoder.slots.count }
}

/// A session's own end of the wire.
public protocol SessionLine: AnyObject {
  var outlet: any PacketOutlet { get }
  /// What the client, or the host that speaks for it, needs to play the stream.
  var description: String { get }
  var localPort: UInt16 { get }
  var counts: OutletCounts { get }
  /// Refuses what this kind of wire cannot carry.
  func admit(_ spec: SessionSpec) throws(SessionError)
}

public struct SessionError: Error, Sendable, Equatable {
  public var code: String
  public var message: String

  public init(code: String, message: String) {
    self.code = code
    self.message = message
  }

  init(_ error: DatagramError) { self.init(code: error.code, message: error.message) }
}
