import AudioCore
import Wire

/// The three ways into a host's microphone.
enum MicWay: String, Hashable, Sendable, CaseIterable {
  case sealed, gamestream, local
}

/// Puts a talker's packets into the form of one way in, and numbers them. Places are frames of the talker's time.
protocol MicEnvelope: AnyObject {
  func opus(_ packet: [UInt8], at frame: Int64) throws(MicPacketError) -> [UInt8]
  /// Says that nothing follows for now. Nil where there is no word for that.
  func pause(at frame: Int64, isMuted: Bool) throws(MicPacketError) -> [UInt8]?
  /// Says that the talker is still there. Nil where there is no word for that.
  func keepalive(at frame: Int64, isMuted: Bool) throws(MicPacketError) -> [UInt8]?
}

final class SealedEnvelope: MicEnvelope {
  private var sealer: SealedMicSealer

  init(key: MicKey, session: UInt32) throws(MicPacketError) { sealer = try SealedMicSealer(key: key, session: session) }

  func opus(_ packet: [UInt8], at frame: Int64) throws(MicPacketError) -> [UInt8] {
    try sealer.seal(.opus, packet, timestamp: UInt32(truncatingIfNeeded: frame))
  }

  func pause(at frame: Int64, isMuted: Bool) throws(MicPacketError) -> [UInt8]? {
    try sealer.seal(.pause, timestamp: UInt32(truncatingIfNeeded: frame), isMuted: isMuted)
  }

  func keepalive(at frame: Int64, isMuted: Bool) throws(MicPacketError) -> [UInt8]? {
    try sealer.seal(.keepalive, timestamp: UInt32(truncatingIfNeeded: frame), isMuted: isMuted)
  }
}

/// Its silence is that nothing comes.
final class GameStreamEnvelope: MicEnvelope {
  private var sender: GameStreamMicSender

  init(key: GameStreamKey, keyID: Int32, padding: GameStreamMicSender.Padding) throws(GameStreamCipherError) {
    sender = try GameStreamMicSender(key: key, keyID: keyID, padding: padding)
  }

  func opus(_ packet: [UInt8], at frame: Int64) throws(MicPacketError) -> [UInt8] {
    try sender.send(packet, milliseconds: UInt32(truncatingIfNeeded: frame / 48))
  }

  func pause(at frame: Int64, isMuted: Bool) -> [UInt8]? { nil }
  func keepalive(at frame: Int64, isMuted: Bool) -> [UInt8]? { nil }
}

/// Its connection says that it is there.
final class LocalEnvelope: MicEnvelope {
  private var sequence: UInt16 = 0

  func opus(_ packet: [UInt8], at frame: Int64) throws(MicPacketError) -> [UInt8] { try next(.opus, packet, frame) }
  func pause(at frame: Int64, isMuted: Bool) throws(MicPacketError) -> [UInt8]? { try next(.pause, [], frame) }
  func keepalive(at frame: Int64, isMuted: Bool) -> [UInt8]? { nil }

  private func next(
    _ kind: LocalMicPacket.Kind, _ payload: [UInt8], _ frame: Int64
  ) throws(MicPacketError) -> [UInt8] {
    let packet = LocalMicPacket(kind: kind, sequence: sequence, timestamp: UInt32(truncatingIfNeeded: frame))
    let made: Result<[UInt8], MicPacketError> = payload.withUnsafeBytes { bytes in
      do throws(MicPacketError) { return .success(try packet.message(bytes)) } catch { return .failure(error) }
    }
    sequence &+= 1
    return try made.get()
  }
}
