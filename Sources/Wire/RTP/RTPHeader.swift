/// The fixed header of an RTP packet (RFC 3550).
public struct RTPHeader: Hashable, Sendable {
  public var marker: Bool
  public var payloadType: UInt8
  public var sequence: UInt16
  /// 48 kHz ticks whatever the PCM's rate: RFC 7587.
  public var timestamp: UInt32
  public var source: UInt32

  public init(marker: Bool = false, payloadType: UInt8, sequence: UInt16, timestamp: UInt32, source: UInt32) {
    self.marker = marker
    self.payloadType = payloadType
    self.sequence = sequence
    self.timestamp = timestamp
    self.source = source
  }

  public static let length = 12
}

/// Why a datagram is no RTP packet.
public enum RTPError: String, Error, Hashable, Sendable {
  case tooShort = "rtp_too_short"
  case badVersion = "rtp_bad_version"
  case truncatedSources = "rtp_truncated_sources"
  case truncatedExtension = "rtp_truncated_extension"
  case badPadding = "rtp_bad_padding"
  case emptyPayload = "rtp_empty_payload"

  public var code: String { rawValue }
}
