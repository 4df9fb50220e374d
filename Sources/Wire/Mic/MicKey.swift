internal import CCryptoSystem

/// The key of one sealed microphone session, derived so that it serves nothing else: not another direction, not another
/// session of the same secret, not another protocol. It never shows itself in text, and is wiped when the last owner
/// lets go.
/// Thread: any.
public final class MicKey: Sendable {
  public static let length = 16
  /// Of the secret it is derived from.
  public static let secretLength = 16...64

  /// Written by the initialiser only.
  private nonisolated(unsafe) let bytes: UnsafeMutableRawBufferPointer

  /// What the key is for, in the derivation.
  private static let purpose = "streamd mic 1 client to host"

  /// HKDF (RFC 5869) with SHA-256: the session's number is the salt.
  public init(secret: UnsafeRawBufferPointer, session: UInt32) throws(MicKeyError) {
    guard Self.secretLength.contains(secret.count) else { throw .wrongLength }
    bytes = .allocate(byteCount: Self.length, alignment: 16)
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
    var salt = session.bigEndian
    var extracted = InlineArray<32, UInt8>(repeating: 0)
    var expanded = InlineArray<32, UInt8>(repeating: 0)
    let info = Array(Self.purpose.utf8) + [1]
    let made = withUnsafeBytes(of: &salt) { salt in
      withUnsafeMutableBytes(of: &extracted) { first in
        withUnsafeMutableBytes(of: &expanded) { second in
          HMAC(EVP_sha256(), salt.baseAddress, 4, secret.octets, secret.count, first.octets, nil) != nil
            && HMAC(EVP_sha256(), first.baseAddress, 32, info, info.count, second.octets, nil) != nil
        }
      }
    }
    withUnsafeMutableBytes(of: &expanded) {
      bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<Self.length]))
      OPENSSL_cleanse($0.baseAddress, $0.count)
    }
    withUnsafeMutableBytes(of: &extracted) { OPENSSL_cleanse($0.baseAddress, $0.count) }
    guard made else { throw .library }
  }

  /// From a session that has a GameStream key already.
  public convenience init(from key: GameStreamKey, session: UInt32) throws(MicKeyError) {
    let made: Result<MicKey, MicKeyError> = key.withBytes { secret in
      do throws(MicKeyError) {
        return .success(
          try MicKey(secret: UnsafeRawBufferPointer(start: secret, count: GameStreamKey.length), session: session))
      } catch {
        return .failure(error)
      }
    }
    try self.init(copying: made.get())
  }

  private init(copying other: MicKey) throws(MicKeyError) {
    bytes = .allocate(byteCount: Self.length, alignment: 16)
    bytes.copyMemory(from: UnsafeRawBufferPointer(other.bytes))
  }

  deinit {
    OPENSSL_cleanse(bytes.baseAddress, bytes.count)
    bytes.deallocate()
  }

  func withBytes<Result>(_ body: (UnsafePointer<UInt8>) -> Result) -> Result { body(UnsafePointer(bytes.octets!)) }
}

extension MicKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "MicKey(redacted)" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: []) }
}

public enum MicKeyError: String, Error, Hashable, Sendable {
  case wrongLength = "mic_key_wrong_length"
  case library = "mic_key_library"

  public var code: String { rawValue }
}
