/// The header of our own microphone protocol: in the clear, but authentic. docs/MIC-PROTOCOL.md has the table.
public struct SealedMicHeader: Hashable, Sendable {
  public enum Kind: UInt8, Hashable, Sendable, CaseIterable {
    /// One Opus packet.
    case opus = 1
    /// Nothing to say: silence, not loss. No payload.
    case pause = 2
    /// Says that the client is there and keeps the path open. No payload, and no place in the stream.
    case keepalive = 3
  }

  public var kind: Kind
  /// The user has muted the microphone at the client.
  public var isMuted: Bool
  /// Names the session, wherever the datagram comes from.
  public var session: UInt32
  /// Of this datagram: rises with each and is never used again with the key.
  public var counter: UInt64
  /// Of the first frame, at 48 kHz.
  public var timestamp: UInt32
  /// Counts opus and pause packets only; a keepalive carries that of the next.
  public var sequence: UInt16

  public init(
    kind: Kind, isMuted: Bool = false, session: UInt32, counter: UInt64, timestamp: UInt32, sequence: UInt16
  ) {
    self.kind = kind
    self.isMuted = isMuted
    self.session = session
    self.counter = counter
    self.timestamp = timestamp
    self.sequence = sequence
  }

  public static let length = 24
  public static let tagLength = 16
  /// The first byte, by which this protocol is told from others on the same port: no ASCII, and not GameStream's flags.
  public static let mark: UInt8 = 0xC5
  public static let version: UInt8 = 1
  private static let mutedFlag: UInt8 = 1

  /// Thread: any.
  public init(parsing datagram: UnsafeRawBufferPointer) throws(MicPacketError) {
    guard datagram.first == Self.mark else { throw datagram.isEmpty ? .tooShort : .notOurs }
    guard datagram.count <= MicLimits.datagram else { throw .tooLong }
    guard datagram.count >= Self.length + Self.tagLength else { throw .tooShort }
    guard datagram[1] == Self.version else { throw .badVersion }
    guard let kind = Kind(rawValue: datagram[2]) else { throw .badKind }
    guard datagram[3] & ~Self.mutedFlag == 0, datagram[22] == 0, datagram[23] == 0 else { throw .badReserved }
    let payload = datagram.count - Self.length - Self.tagLength
    guard (kind == .opus) == (payload > 0) else { throw .badLength }
    self.init(
      kind: kind, isMuted: datagram[3] & Self.mutedFlag != 0, session: datagram.big(at: 4, as: UInt32.self),
      counter: datagram.big(at: 8, as: UInt64.self), timestamp: datagram.big(at: 16, as: UInt32.self),
      sequence: datagram.big(at: 20, as: UInt16.self))
  }

  /// Writes the first `length` bytes.
  public func write(into datagram: UnsafeMutableRawBufferPointer) {
    precondition(datagram.count >= Self.length)
    datagram[0] = Self.mark
    datagram[1] = Self.version
    datagram[2] = kind.rawValue
    datagram[3] = isMuted ? Self.mutedFlag : 0
    datagram.putBig(session, at: 4)
    datagram.putBig(counter, at: 8)
    datagram.putBig(timestamp, at: 16)
    datagram.putBig(sequence, at: 20)
    datagram.putBig(UInt16(0), at: 22)
  }
}
