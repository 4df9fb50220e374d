public import AudioCore
import AudioIO
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
  /// Its true peaks stay below −1 dBTP.
  public var isLimited = true
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

  /// It asked for what the desktop plays, wherever that is.
  public var followsDesktop: Bool {
    source.bus == nil && source.apps == .everybody && (source.target == .defaultSink || source.ownSink != nil)
  }

  var encoderKey: SharedEncoder.Key {
    SharedEncoder.Key(
      configuration: configuration, shape: FrameEncoder.Shape(block: transport.block, pacing: pacing),
      gain: isMuted ? nil : gain, isLimited: isLimited)
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

/// One client being served: its place at an encoder of the downlink it hears, and its own end of the wire. It moves between
/// encoders and downlinks while it runs, and its numbers go on.
/// Thread: control.
public final class StreamSession {
  public let identifier: String
  public private(set) var spec: SessionSpec
  public let openedAt: HostTime
  public let line: any SessionLine

  private let slot: OutletSlot
  private var place: Place
  /// Where it was before, until its slot follows the new encoder.
  private var leaving: [Place] = []

  private struct Place {
    var downlink: Downlink
    var encoder: SharedEncoder
  }

  public init(identifier: String, spec: SessionSpec, downlink: Downlink) throws(SessionError) {
    self.identifier = identifier
    self.spec = spec
    openedAt = renderNow()
    line = try spec.transport.open(spec)
    slot = OutletSlot(line.outlet, frame: spec.configuration.frame.frames)
    place = Place(downlink: downlink, encoder: try downlink.encoder(as: spec.encoderKey))
    place.encoder.add(slot)
  }

  public func close() {
    for place in leaving + [place] { place.downlink.leave(slot, place.encoder) }
    leaving = []
  }

  /// What its encoder is given, wherever that is.
  public var tap: HopTap { slot.tap }

  /// What the session hears.
  public var heard: Downlink.Key { place.downlink.key }

  /// Hears another downlink from its next block on; the one before is kept until then.
  public func hear(_ downlink: Downlink) throws(SessionError) { try move(to: downlink, as: place.encoder.key) }

  private func move(to downlink: Downlink, as key: SharedEncoder.Key) throws(SessionError) {
    if downlink === place.downlink {
      if key == place.encoder.key || downlink.adapt(place.encoder, to: key) { return }
    }
    let encoder = try downlink.encoder(as: key)
    // It may be on its way from there.
    leaving.removeAll { $0.encoder === encoder }
    leaving.append(place)
    encoder.add(slot)
    place = Place(downlink: downlink, encoder: encoder)
  }

  /// Lets go of what the client has left by now. To be called now and then.
  public func settle() {
    guard !leaving.isEmpty, slot.follows(place.encoder.identity) else { return }
    for place in leaving { place.downlink.leave(slot, place.encoder) }
    leaving = []
  }

  public func apply(_ change: SessionChange) throws(SessionError) {
    var wanted = spec
    if let gain = change.gain { wanted.gain = gain }
    if let isMuted = change.isMuted { wanted.isMuted = isMuted }
    if let bitrate = change.bitrate { wanted.configuration.bitrate = bitrate }
    do { try wanted.configuration.validate() } catch { throw SessionError(code: error.code, message: error.message) }
    try line.admit(wanted)
    try move(to: place.downlink, as: wanted.encoderKey)
    spec = wanted
  }

  public func statistics(resetLevels: Bool = false) -> FrameEncoder.Statistics {
    place.encoder.statistics(resetLevels: resetLevels)
  }

  /// Tells which encoder serves it: sessions that want the same share one, and its levels.
  public var encoderIdentity: Int { place.encoder.identity }
  public var floodedFrames: Int { place.encoder.floodedFrames }
  public var scheduling: String { place.encoder.scheduling }
  /// Sessions that are served by the same encoder, this one included.
  public var shares: Int { place.encoder.slots.count }
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
