/// Turns the Opus packets of one client into GameStream datagrams: every packet one of data, every fourth also two of
/// parity.
///
/// It writes into room that its owner allocates once and keeps for the packetizer's life; nothing is allocated per packet.
/// The room holds the whole block, because parity needs it. Sequence and timestamp never restart: a client that sees them
/// go back stays silent.
/// Thread: any one at a time.
public struct GameStreamPacketizer: ~Copyable, @unchecked Sendable {
  /// Bytes of room: six datagrams.
  public static let roomLength = ParityCode.shards * GameStreamFormat.datagramLimit

  public let duration: GameStreamPacketDuration
  /// Of the next data packet.
  public private(set) var sequence: UInt16
  /// Of the next data packet, in milliseconds.
  public private(set) var timestamp: UInt32
  private let room: UnsafeMutableRawBufferPointer
  private let encryptor: GameStreamCipher.Encryptor?
  /// Of the block being filled. A size that changes inside a block ends a client's error correction for good.
  private var payloadLength = 0

  /// `sequence`, the start of a block, and `timestamp` are zero in every real session; tests start elsewhere. Without an
  /// encryptor payloads go in the clear.
  public init(
    duration: GameStreamPacketDuration, room: UnsafeMutableRawBufferPointer,
    encryptor: consuming GameStreamCipher.Encryptor? = nil, sequence: UInt16 = 0, timestamp: UInt32 = 0
  ) {
    precondition(room.count >= Self.roomLength && sequence & 3 == 0)
    self.duration = duration
    self.room = room
    self.encryptor = encryptor
    self.sequence = sequence
    self.timestamp = timestamp
  }

  /// Whether the next packet starts a block. Only there may the size change and blocks be skipped.
  public var isAtBlockBoundary: Bool { sequence & 3 == 0 }

  /// Where the next Opus packet may be encoded, so that it need not be copied. Longer than what is accepted.
  public var payloadRoom: UnsafeMutableRawBufferPointer {
    slot(Int(sequence & 3), from: GameStreamFormat.dataHeaderLength)
  }

  /// The longest Opus packet that still fits a datagram.
  public var opusLimit: Int {
    let limit = GameStreamFormat.payloadLimit
    return isEncrypting ? limit / GameStreamCipher.blockLength * GameStreamCipher.blockLength - 1 : limit
  }

  public var isEncrypting: Bool {
    switch encryptor {
    case .none: false
    case .some: true
    }
  }

  /// What one Opus packet became. Valid until the fourth call after; parity until the next.
  public struct Datagrams {
    public let data: UnsafeRawBufferPointer
    /// After the fourth packet of a block.
    public let parity: (UnsafeRawBufferPointer, UnsafeRawBufferPointer)?

    /// Calls with each, in the order of sending.
    public func inOrder(_ body: (UnsafeRawBufferPointer) -> Void) {
      body(data)
      guard let parity else { return }
      body(parity.0)
      body(parity.1)
    }
  }

  /// Makes the datagrams of the next packet. `opus` lies in `payloadRoom`, from its start, or anywhere outside the room.
  /// On an error nothing has changed, and nothing may be sent.
  public mutating func packetize(_ opus: UnsafeRawBufferPointer) throws(GameStreamPacketError) -> Datagrams {
    guard !opus.isEmpty else { throw .empty }
    guard opus.count <= opusLimit else { throw .tooLarge(limit: opusLimit, got: opus.count) }
    let length = isEncrypting ? GameStreamCipher.encryptedLength(of: opus.count) : opus.count
    guard isAtBlockBoundary || length == payloadLength else {
      throw .sizeChangedInBlock(expected: payloadLength, got: length)
    }
    try writePayload(opus)
    payloadLength = length
    let index = Int(sequence & 3)
    writeHeader(slot(index), type: GameStreamFormat.dataType, sequence: sequence, timestamp: timestamp)
    let data = datagram(index, length: GameStreamFormat.dataHeaderLength + length)
    sequence &+= 1
    timestamp &+= UInt32(duration.rawValue)
    guard isAtBlockBoundary else { return Datagrams(data: data, parity: nil) }
    writeParity(length)
    let parityLength = GameStreamFormat.parityHeaderLength + length
    return Datagrams(data: data, parity: (datagram(4, length: parityLength), datagram(5, length: parityLength)))
  }

  /// Lets the time of whole blocks pass without packets: the client's sound moves on without concealment. False inside a
  /// block, where a gap would count as loss.
  public mutating func skipBlocks(_ count: Int) -> Bool {
    precondition(count >= 0)
    guard isAtBlockBoundary else { return false }
    let packets = count &* GameStreamFormat.blockPackets
    sequence &+= UInt16(truncatingIfNeeded: packets)
    timestamp &+= UInt32(truncatingIfNeeded: packets &* duration.rawValue)
    return true
  }

  private func writePayload(_ opus: UnsafeRawBufferPointer) throws(GameStreamPacketError) {
    let target = payloadRoom
    switch encryptor {
    case .some(let encryptor):
      do throws(GameStreamCipherError) {
        _ = try encryptor.encrypt(opus, sequence: sequence, into: target)
      } catch {
        throw .encryption(error)
      }
    case .none:
      // Copying to itself is nothing.
      target.copyMemory(from: opus)
    }
  }

  /// Parity is of the payloads as sent, headers excluded. The client rebuilds those from the parity's own header.
  private func writeParity(_ length: Int) {
    func data(_ index: Int) -> UnsafeRawBufferPointer {
      UnsafeRawBufferPointer(rebasing: slot(index, from: GameStreamFormat.dataHeaderLength)[..<length])
    }
    func parity(_ index: Int) -> UnsafeMutableRawBufferPointer {
      .init(rebasing: slot(index, from: GameStreamFormat.parityHeaderLength)[..<length])
    }
    ParityCode.encode(data(0), data(1), data(2), data(3), into: parity(4), parity(5))
    let packets = UInt16(GameStreamFormat.blockPackets)
    let milliseconds = UInt32(GameStreamFormat.blockPackets * duration.rawValue)
    for index in 0..<ParityCode.parityShards {
      let target = slot(ParityCode.dataShards + index)
      writeHeader(target, type: GameStreamFormat.parityType, sequence: sequence &+ UInt16(index), timestamp: 0)
      target[12] = UInt8(index)
      target[13] = GameStreamFormat.dataType
      target.storeBytes(of: (sequence &- packets).bigEndian, toByteOffset: 14, as: UInt16.self)
      target.storeBytes(of: (timestamp &- milliseconds).bigEndian, toByteOffset: 16, as: UInt32.self)
      target.storeBytes(of: 0, toByteOffset: 20, as: UInt32.self)
    }
  }

  private func writeHeader(
    _ target: UnsafeMutableRawBufferPointer, type: UInt8, sequence: UInt16, timestamp: UInt32
  ) {
    target[0] = 0x80
    target[1] = type
    target.storeBytes(of: sequence.bigEndian, toByteOffset: 2, as: UInt16.self)
    target.storeBytes(of: timestamp.bigEndian, toByteOffset: 4, as: UInt32.self)
    target.storeBytes(of: 0, toByteOffset: 8, as: UInt32.self)
  }

  private func slot(_ index: Int, from offset: Int = 0) -> UnsafeMutableRawBufferPointer {
    let start = index * GameStreamFormat.datagramLimit
    return UnsafeMutableRawBufferPointer(rebasing: room[start + offset..<start + GameStreamFormat.datagramLimit])
  }

  private func datagram(_ index: Int, length: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: slot(index)[..<length])
  }
}

/// Why a packet was not made.
public enum GameStreamPacketError: Error, Hashable, Sendable {
  case empty
  case tooLarge(limit: Int, got: Int)
  /// Payload bytes, as sent. The sender replaces the packet by one of the right size.
  case sizeChangedInBlock(expected: Int, got: Int)
  case encryption(GameStreamCipherError)

  public var code: String {
    switch self {
    case .empty: "gamestream_packet_empty"
    case .tooLarge: "gamestream_packet_too_large"
    case .sizeChangedInBlock: "gamestream_packet_size_changed"
    case .encryption(let error): error.code
    }
  }

  public var message: String {
    switch self {
    case .empty: "an empty packet cannot be sent"
    case .tooLarge(let limit, let got): "a packet is at most \(limit) bytes, got \(got)"
    case .sizeChangedInBlock(let expected, let got): "packets of this block are \(expected) bytes, got \(got)"
    case .encryption(let error): "encryption failed (\(error.code))"
    }
  }
}
