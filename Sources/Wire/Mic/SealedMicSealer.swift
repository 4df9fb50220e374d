internal import CCryptoSystem

/// The sending end, for the command line and for tests.
/// Thread: any one at a time.
public struct SealedMicSealer: ~Copyable, @unchecked Sendable {
  public let session: UInt32
  /// Of the next datagram.
  public private(set) var counter: UInt64
  /// Of the next opus or pause packet.
  public private(set) var sequence: UInt16
  private let owned: GameStreamCipher.Context

  public init(key: MicKey, session: UInt32, counter: UInt64 = 0, sequence: UInt16 = 0) throws(MicPacketError) {
    let made = try SealedMicCipher.context()
    let context = made.pointer
    guard key.withBytes({ EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), nil, $0, nil) }) == 1 else {
      throw SealedMicCipher.failure(.library)
    }
    owned = made
    self.session = session
    self.counter = counter
    self.sequence = sequence
  }

  /// The next datagram: `payload` is empty for all but Opus.
  public mutating func seal(
    _ kind: SealedMicHeader.Kind, _ payload: [UInt8] = [], timestamp: UInt32, isMuted: Bool = false
  ) throws(MicPacketError) -> [UInt8] {
    let total = SealedMicHeader.length + payload.count + SealedMicHeader.tagLength
    // A counter never comes twice.
    guard total <= MicLimits.datagram, (kind == .opus) == !payload.isEmpty, counter < .max else { throw .cannotSend }
    let header = SealedMicHeader(
      kind: kind, isMuted: isMuted, session: session, counter: counter, timestamp: timestamp, sequence: sequence)
    var datagram = [UInt8](repeating: 0, count: total)
    let made = datagram.withUnsafeMutableBytes { room in
      header.write(into: room)
      return encrypt(payload, room.octets!)
    }
    guard made else { throw SealedMicCipher.failure(.library) }
    counter += 1
    if kind != .keepalive { sequence &+= 1 }
    return datagram
  }

  private func encrypt(_ payload: [UInt8], _ to: UnsafeMutablePointer<UInt8>) -> Bool {
    let context = owned.pointer
    var nonce = SealedMicCipher.nonce(counter)
    let length = Int32(payload.count)
    let body = to + SealedMicHeader.length
    let tagLength = Int32(SealedMicHeader.tagLength)
    var (written, tail) = (Int32(0), Int32(0))
    return withUnsafeBytes(of: &nonce) { EVP_EncryptInit_ex(context, nil, nil, nil, $0.octets) } == 1
      && EVP_EncryptUpdate(context, nil, &written, to, Int32(SealedMicHeader.length)) == 1
      && (payload.isEmpty || EVP_EncryptUpdate(context, body, &written, payload, length) == 1)
      && EVP_EncryptFinal_ex(context, body + payload.count, &tail) == 1
      && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, tagLength, body + payload.count) == 1
  }
}
