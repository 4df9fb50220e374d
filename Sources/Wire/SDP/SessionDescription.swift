public import AudioCore

/// What a client must know to play a session: the content of an SDP text (RFC 8866).
public struct SessionDescription: Hashable, Sendable {
  /// Identifies the session to its players; `version` grows when the description changes.
  public var identifier: UInt64
  public var version: UInt64
  public var name: String
  /// Address the sender sends from.
  public var origin: String
  /// Address and port the packets are sent to.
  public var address: String
  public var port: UInt16
  public var payloadType: UInt8
  public var audio: AudioDescription
  /// Header extension number of abs-capture-time; nil when packets carry none.
  public var captureTimeID: UInt8?

  public init(
    identifier: UInt64, version: UInt64 = 1, name: String = "streamd", origin: String, address: String, port: UInt16,
    payloadType: UInt8 = 97, audio: AudioDescription, captureTimeID: UInt8? = nil
  ) {
    self.identifier = identifier
    self.version = version
    self.name = name
    self.origin = origin
    self.address = address
    self.port = port
    self.payloadType = payloadType
    self.audio = audio
    self.captureTimeID = captureTimeID
  }

  public static let captureTimeURI = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
}

/// The Opus stream of a session, in terms of the layout its PCM has.
public struct AudioDescription: Hashable, Sendable {
  public var layout: ChannelLayout
  public var streams: Int
  public var coupled: Int
  /// For each channel of `layout` the coded channel that carries it.
  public var mapping: [UInt8]
  /// Frames of one packet at 48 kHz.
  public var packet: FrameCount
  /// Bits per second; nil when not announced.
  public var bitrate: Int?
  public var constantBitrate: Bool

  public init(
    layout: ChannelLayout, streams: Int, coupled: Int, mapping: [UInt8], packet: FrameCount, bitrate: Int? = nil,
    constantBitrate: Bool = true
  ) {
    self.layout = layout
    self.streams = streams
    self.coupled = coupled
    self.mapping = mapping
    self.packet = packet
    self.bitrate = bitrate
    self.constantBitrate = constantBitrate
  }

  /// Order in which multiopus lists channels: that of Vorbis. Nil for layouts it has no order for.
  static func wireOrder(channels: Int) -> [ChannelLabel]? {
    switch channels {
    case 6: [.frontLeft, .frontCenter, .frontRight, .rearLeft, .rearRight, .lowFrequency]
    case 8: [.frontLeft, .frontCenter, .frontRight, .sideLeft, .sideRight, .rearLeft, .rearRight, .lowFrequency]
    default: nil
    }
  }

  /// The mapping as multiopus lists it.
  var wireMapping: [UInt8]? {
    guard let order = Self.wireOrder(channels: layout.count), mapping.count == layout.count else { return nil }
    var listed: [UInt8] = []
    for label in order {
      guard let index = layout.index(of: label) else { return nil }
      listed.append(mapping[index])
    }
    return listed
  }
}

/// Why a session cannot be described, or a description not be read.
public enum SDPError: Error, Hashable, Sendable {
  /// Mono, stereo, 5.1 and 7.1 can be described; one coded stream for mono and stereo.
  case unsupportedLayout
  /// A text field holds a line break or is empty.
  case badField(String)
  case tooLong
  /// Line number from 1.
  case badLine(Int)
  case noAudio
  case unknownEncoding(String)

  public var code: String {
    switch self {
    case .unsupportedLayout: "sdp_unsupported_layout"
    case .badField: "sdp_bad_field"
    case .tooLong: "sdp_too_long"
    case .badLine: "sdp_bad_line"
    case .noAudio: "sdp_no_audio"
    case .unknownEncoding: "sdp_unknown_encoding"
    }
  }

  public var message: String {
    switch self {
    case .unsupportedLayout: "only mono, stereo, 5.1 and 7.1 can be described"
    case .badField(let name): "\(name) is empty or holds a line break or space"
    case .tooLong: "a session description is at most \(SessionDescription.textLimit) bytes"
    case .badLine(let number): "line \(number) cannot be read"
    case .noAudio: "no audio medium with a known address, port and encoding"
    case .unknownEncoding(let name): "encoding \(name) is neither opus nor multiopus"
    }
  }
}
