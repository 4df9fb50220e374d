/// What can go wrong between PCM and Opus packets.
public enum OpusError: Error, Hashable, Sendable {
  /// A field of the configuration is outside what the codec can do; the text says what is allowed.
  case badConfiguration(field: Field, allowed: String)
  /// PCM handed in is not exactly one frame of every channel.
  case wrongFrameLength(expected: Int, got: Int)
  /// The output does not hold one packet, or one packet's audio.
  case bufferTooSmall(needed: Int)
  /// The packet is no Opus packet of this configuration. The decoder stays usable.
  case corruptPacket
  /// libopus refused for a reason of its own: its error number.
  case library(Int32)

  public enum Field: String, Hashable, Sendable {
    case streams, coupled, mapping, bitrate, complexity
    case expectedLoss = "expected_loss"
    case discontinuous
  }

  /// Stable identifier for protocols and logs.
  public var code: String {
    switch self {
    case .badConfiguration(let field, _): "opus_bad_\(field.rawValue)"
    case .wrongFrameLength: "opus_wrong_frame_length"
    case .bufferTooSmall: "opus_buffer_too_small"
    case .corruptPacket: "opus_corrupt_packet"
    case .library: "opus_library"
    }
  }

  public var message: String {
    switch self {
    case .badConfiguration(let field, let allowed): "\(field.rawValue): must be \(allowed)"
    case .wrongFrameLength(let expected, let got): "a frame is \(expected) samples, got \(got)"
    case .bufferTooSmall(let needed): "the buffer must hold \(needed)"
    case .corruptPacket: "not an Opus packet of this stream"
    case .library(let number): "libopus error \(number)"
    }
  }
}
