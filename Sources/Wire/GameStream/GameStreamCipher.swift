internal import CCryptoSystem

/// GameStream's encryption of payloads: AES-128-CBC with PKCS#7, a fresh initialisation vector for every packet.
///
/// There is no authentication, and vectors repeat every 65 536 packets: the protocol has it so. What decrypts may still
/// be anybody's bytes.
public enum GameStreamCipher {
  public static let blockLength = 16

  /// Padding is always added: a whole block when the length is a multiple already.
  public static func encryptedLength(of plainLength: Int) -> Int { (plainLength / blockLength + 1) * blockLength }

  /// Four bytes of key identifier (`rikeyid`, signed in the launch request) plus sequence, wrapping; twelve of zero.
  static func vector(keyID: Int32, sequence: UInt16) -> SIMD4<UInt32> {
    SIMD4((UInt32(bitPattern: keyID) &+ UInt32(sequence)).bigEndian, 0, 0, 0)
  }

  /// One direction with its library context, made once; a packet only sets the vector and allocates nothing.
  /// Thread: any one at a time.
  public struct Encryptor: ~Copyable, @unchecked Sendable {
    private let owned: Context
    private let keyID: Int32

    public init(key: GameStreamKey, keyID: Int32) throws(GameStreamCipherError) {
      let context = try Context()
      let made = key.withBytes { EVP_EncryptInit_ex(context.pointer, EVP_aes_128_cbc(), nil, $0, nil) }
      guard made == 1 else { throw failure(.library) }
      owned = context
      self.keyID = keyID
    }

    /// Writes the ciphertext and returns its length. The output may start where the input does, but not overlap it
    /// otherwise.
    public func encrypt(
      _ plain: UnsafeRawBufferPointer, sequence: UInt16, into output: UnsafeMutableRawBufferPointer
    ) throws(GameStreamCipherError) -> Int {
      guard output.count >= encryptedLength(of: plain.count) else { throw .bufferTooSmall }
      let context = owned.pointer
      var (body, tail) = (Int32(0), Int32(0))
      var vector = vector(keyID: keyID, sequence: sequence)
      let started = withUnsafeBytes(of: &vector) { EVP_EncryptInit_ex(context, nil, nil, nil, $0.bytes) }
      guard started == 1 else { throw failure(.library) }
      guard
        plain.isEmpty || EVP_EncryptUpdate(context, output.bytes, &body, plain.bytes, Int32(plain.count)) == 1,
        EVP_EncryptFinal_ex(context, output.bytes! + Int(body), &tail) == 1
      else { throw failure(.library) }
      return Int(body + tail)
    }
  }

  /// The other direction.
  /// Thread: any one at a time.
  public struct Decryptor: ~Copyable, @unchecked Sendable {
    private let owned: Context
    private let keyID: Int32

    public init(key: GameStreamKey, keyID: Int32) throws(GameStreamCipherError) {
      let context = try Context()
      let made = key.withBytes { EVP_DecryptInit_ex(context.pointer, EVP_aes_128_cbc(), nil, $0, nil) }
      guard made == 1 else { throw failure(.library) }
      owned = context
      self.keyID = keyID
    }

    /// Writes the plaintext and returns its length; the output must hold as much as the input. In place is allowed.
    public func decrypt(
      _ encrypted: UnsafeRawBufferPointer, sequence: UInt16, into output: UnsafeMutableRawBufferPointer
    ) throws(GameStreamCipherError) -> Int {
      guard !encrypted.isEmpty, encrypted.count % blockLength == 0 else { throw .notWholeBlocks }
      guard output.count >= encrypted.count else { throw .bufferTooSmall }
      let context = owned.pointer
      var (body, tail) = (Int32(0), Int32(0))
      var vector = vector(keyID: keyID, sequence: sequence)
      let started = withUnsafeBytes(of: &vector) { EVP_DecryptInit_ex(context, nil, nil, nil, $0.bytes) }
      guard
        started == 1,
        EVP_DecryptUpdate(context, output.bytes, &body, encrypted.bytes, Int32(encrypted.count)) == 1
      else { throw failure(.library) }
      guard EVP_DecryptFinal_ex(context, output.bytes! + Int(body), &tail) == 1 else { throw failure(.badPadding) }
      return Int(body + tail)
    }
  }

  /// Frees and wipes what the library keeps for one direction. Not private: other modules' code, which lays out the
  /// ciphers, needs its metadata when it is linked.
  struct Context: ~Copyable {
    let pointer: OpaquePointer

    init() throws(GameStreamCipherError) {
      guard let made = EVP_CIPHER_CTX_new() else { throw .library }
      pointer = made
    }

    deinit { EVP_CIPHER_CTX_free(pointer) }
  }

  /// The library's own list of errors is per thread and would show up in somebody else's question.
  private static func failure(_ error: GameStreamCipherError) -> GameStreamCipherError {
    ERR_clear_error()
    return error
  }
}

public enum GameStreamCipherError: String, Error, Hashable, Sendable {
  /// The output does not hold the result.
  case bufferTooSmall = "gamestream_cipher_buffer_too_small"
  /// Ciphertext is not a multiple of 16 bytes.
  case notWholeBlocks = "gamestream_cipher_not_whole_blocks"
  /// Another key, another sequence or damage. One damaged packet in about 256 passes unnoticed.
  case badPadding = "gamestream_cipher_bad_padding"
  /// libcrypto refused for a reason of its own.
  case library = "gamestream_cipher_library"

  public var code: String { rawValue }
}

extension UnsafeRawBufferPointer {
  fileprivate var bytes: UnsafePointer<UInt8>? { baseAddress?.assumingMemoryBound(to: UInt8.self) }
}

extension UnsafeMutableRawBufferPointer {
  fileprivate var bytes: UnsafeMutablePointer<UInt8>? { baseAddress?.assumingMemoryBound(to: UInt8.self) }
}
