/// One message of a local microphone: a fixed header, then Opus or PCM. The socket keeps messages apart (SOCK_SEQPACKET),
/// so nothing here says how long it is. docs/MIC-PROTOCOL.md has the table.
public struct LocalMicPacket: Hashable, Sendable {
  public enum Kind: UInt8, Hashable, Sendable, CaseIterable {
    case pause = 0
    case opus = 1
    /// Interleaved signed 16 bit samples, little-endian.
    case s16 = 2
    /// Interleaved 32 bit floats, little-endian.
    case f32 = 3

    /// Bytes of one sample; nil for what is not made of samples.
    public var sampleBytes: Int? {
      switch self {
      case .pause, .opus: nil
      case .s16: 2
      case .f32: 4
      }
    }
  }

  public var kind: Kind
  /// 1 or 2 for PCM, else 0.
  public var channels: Int
  public var sequence: UInt16
  /// Of the first frame, at 48 kHz.
  public var timestamp: UInt32

  public init(kind: Kind, channels: Int = 0, sequence: UInt16, timestamp: UInt32) {
    self.kind = kind
    self.channels = channels
    self.sequence = sequence
    self.timestamp = timestamp
  }

  public static let headerLength = 16
  public static let version: UInt8 = 1
  /// "SMIC".
  private static let mark: UInt32 = 0x534D_4943
  public static let limit = headerLength + MicLimits.pcmFrames * 2 * 4

  /// Reads the header and judges the payload, which is everything behind it. Thread: any.
  public init(parsing message: UnsafeRawBufferPointer) throws(MicPacketError) {
    guard message.count >= Self.headerLength else { throw .tooShort }
    guard message.count <= Self.limit else { throw .tooLong }
    guard message.big(at: 0, as: UInt32.self) == Self.mark else { throw .notOurs }
    guard message[4] == Self.version else { throw .badVersion }
    guard let kind = Kind(rawValue: message[5]) else { throw .badKind }
    guard message[7] == 0, message[10] == 0, message[11] == 0 else { throw .badReserved }
    self.init(
      kind: kind, channels: Int(message[6]), sequence: message.little(at: 8, as: UInt16.self),
      timestamp: message.little(at: 12, as: UInt32.self))
    try check(UnsafeRawBufferPointer(rebasing: message[Self.headerLength...]))
  }

  private func check(_ payload: UnsafeRawBufferPointer) throws(MicPacketError) {
    guard let sample = kind.sampleBytes else {
      guard channels == 0 else { throw .badChannels }
      if kind == .pause {
        guard payload.isEmpty else { throw .badLength }
      } else {
        guard OpusPacketShape(of: payload) != nil else { throw .notOpus }
      }
      return
    }
    guard (1...2).contains(channels) else { throw .badChannels }
    let frame = sample * channels
    guard !payload.isEmpty, payload.count % frame == 0, payload.count / frame <= MicLimits.pcmFrames else {
      throw .badLength
    }
  }

  /// A whole message. Its payload is judged as a receiver will. Thread: any.
  public func message(_ payload: UnsafeRawBufferPointer) throws(MicPacketError) -> [UInt8] {
    try check(payload)
    guard Self.headerLength + payload.count <= Self.limit else { throw .tooLong }
    return [UInt8](unsafeUninitializedCapacity: Self.headerLength + payload.count) { room, count in
      let bytes = UnsafeMutableRawBufferPointer(start: room.baseAddress, count: Self.headerLength + payload.count)
      bytes.putBig(Self.mark, at: 0)
      bytes[4] = Self.version
      bytes[5] = kind.rawValue
      bytes[6] = UInt8(channels)
      bytes[7] = 0
      bytes.putLittle(sequence, at: 8)
      bytes.putLittle(UInt16(0), at: 10)
      bytes.putLittle(timestamp, at: 12)
      UnsafeMutableRawBufferPointer(rebasing: bytes[Self.headerLength...]).copyMemory(from: payload)
      count = bytes.count
    }
  }

  /// The samples of a PCM message as floats within ±1, what is no number as silence. Empty for other kinds.
  public func samples(of payload: UnsafeRawBufferPointer) -> [Float] {
    switch kind {
    case .pause, .opus: []
    case .s16:
      (0..<payload.count / 2).map { Float(payload.little(at: 2 * $0, as: Int16.self)) / 32_768 }
    case .f32:
      (0..<payload.count / 4).map {
        let value = Float(bitPattern: payload.little(at: 4 * $0, as: UInt32.self))
        return value.isFinite ? min(max(value, -1), 1) : 0
      }
    }
  }
}
