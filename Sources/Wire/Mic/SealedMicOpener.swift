internal import CCryptoSystem

/// The receiving end of one sealed session: proves, decrypts, and takes every datagram once.
/// Thread: any one at a time.
public struct SealedMicOpener: ~Copyable, @unchecked Sendable {
  public let session: UInt32
  public private(set) var window = ReplayWindow()
  private let owned: GameStreamCipher.Context

  public init(key: MicKey, session: UInt32) throws(MicPacketError) {
    let made = try SealedMicCipher.context()
    let context = made.pointer
    guard key.withBytes({ EVP_DecryptInit_ex(context, EVP_aes_128_gcm(), nil, $0, nil) }) == 1 else {
      throw SealedMicCipher.failure(.library)
    }
    owned = made
    self.session = session
  }

  /// Writes the payload of a datagram whose header has been read, and returns its length. The output must hold as much
  /// as the datagram. What fails changes nothing; what it left in the output is not to be looked at.
  public mutating func open(
    _ datagram: UnsafeRawBufferPointer, _ header: SealedMicHeader, into output: UnsafeMutableRawBufferPointer
  ) throws(MicPacketError) -> Int {
    guard header.session == session else { throw .notOurs }
    let length = datagram.count - SealedMicHeader.length - SealedMicHeader.tagLength
    guard length >= 0 else { throw .tooShort }
    guard output.count >= length else { throw .tooLong }
    // Before the work, so that a flood of copies is cheap.
    guard window.admits(header.counter) else { throw .replayed }
    let context = owned.pointer
    var nonce = SealedMicCipher.nonce(header.counter)
    let from = datagram.octets!
    var (written, tail) = (Int32(0), Int32(0))
    let started = withUnsafeBytes(of: &nonce) { EVP_DecryptInit_ex(context, nil, nil, nil, $0.octets) }
    // The library wants the tag as a mutable pointer and only reads it.
    let tag = UnsafeMutableRawPointer(mutating: from + SealedMicHeader.length + length)
    guard
      started == 1,
      EVP_DecryptUpdate(context, nil, &written, from, Int32(SealedMicHeader.length)) == 1,
      length == 0
        || EVP_DecryptUpdate(context, output.octets, &written, from + SealedMicHeader.length, Int32(length)) == 1,
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(SealedMicHeader.tagLength), tag) == 1
    else { throw SealedMicCipher.failure(.library) }
    var end: UInt8 = 0
    guard EVP_DecryptFinal_ex(context, &end, &tail) == 1 else { throw SealedMicCipher.failure(.forged) }
    window.note(header.counter)
    return length
  }
}
