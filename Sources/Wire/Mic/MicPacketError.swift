/// Why bytes are no packet of a microphone.
public enum MicPacketError: String, Error, Hashable, Sendable, CaseIterable {
  case tooShort = "mic_packet_too_short"
  case tooLong = "mic_packet_too_long"
  /// Another protocol's, or nobody's.
  case notOurs = "mic_packet_not_ours"
  case badVersion = "mic_packet_bad_version"
  case badKind = "mic_packet_bad_kind"
  /// A bit or byte that has to be zero is not.
  case badReserved = "mic_packet_bad_reserved"
  case badChannels = "mic_packet_bad_channels"
  /// The length of the payload does not fit its kind.
  case badLength = "mic_packet_bad_length"
  /// Another key, or damage.
  case forged = "mic_packet_forged"
  /// Seen before, or too old to tell.
  case replayed = "mic_packet_replayed"
  /// What should be Opus is not.
  case notOpus = "mic_packet_not_opus"
  /// A sender's packet does not fit into a datagram, or its numbers are used up.
  case cannotSend = "mic_packet_cannot_send"
  /// libcrypto refused for a reason of its own.
  case library = "mic_packet_library"

  public var code: String { rawValue }
}

/// Bounds that hold for every way in.
public enum MicLimits {
  /// Of a datagram from the network.
  public static let datagram = 1400
  /// 60 ms of PCM: no local sender has a reason to hold back more.
  public static let pcmFrames = 2880
}
