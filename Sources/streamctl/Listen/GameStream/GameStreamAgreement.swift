import OpusCodec
import Wire

/// What a GameStream client and its host have agreed on, as the client knows it.
struct GameStreamAgreement: Sendable {
  struct Encryption: Sendable {
    var key: GameStreamKey
    var keyID: Int32
  }

  var channels: Int
  var quality: GameStreamQuality
  var duration: GameStreamPacketDuration
  var encryption: Encryption?
  /// Nil: bare pings.
  var ping: GameStreamPingPayload?
  /// The host's description, in which the client looks for its layout.
  var description: String

  /// What the client decodes with, found by its own rule.
  func decoding() throws(SurroundParamsError) -> SurroundParams {
    let found = try SurroundParams.client(searching: description, channels: channels)
    switch quality {
    case .normal: return found.normal
    case .high:
      // One line only, and the client does not offer high quality.
      guard let high = found.high else { throw .noLine(channels: channels) }
      return high
    }
  }
}
