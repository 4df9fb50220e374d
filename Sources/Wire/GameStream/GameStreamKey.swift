internal import CCryptoSystem

/// The 16 secret bytes of one GameStream session (`rikey`). It never shows itself in text, and is wiped when the last
/// owner lets go.
/// Thread: any.
public final class GameStreamKey: Sendable {
  public static let length = 16

  /// Written by the initialisers only.
  private nonisolated(unsafe) let bytes: UnsafeMutableRawBufferPointer

  public init(_ secret: UnsafeRawBufferPointer) throws(GameStreamKeyError) {
    guard secret.count == Self.length else { throw .wrongLength }
    bytes = .allocate(byteCount: Self.length, alignment: 16)
    bytes.copyMemory(from: secret)
  }

  /// From 32 hexadecimal digits, as the launch request carries it.
  public init(hexadecimal text: some StringProtocol) throws(GameStreamKeyError) {
    guard text.utf8.count == 2 * Self.length else { throw .wrongLength }
    bytes = .allocate(byteCount: Self.length, alignment: 16)
    var valid = true
    for (at, digit) in text.utf8.enumerated() {
      // `UInt8(_:radix:)` would take a sign too.
      let value = Character(UnicodeScalar(digit)).hexDigitValue
      valid = valid && value != nil
      bytes[at / 2] = (at % 2 == 0 ? 0 : bytes[at / 2]) << 4 | UInt8(value ?? 0)
    }
    // All stored properties are set, so the deinitialiser wipes what was read.
    guard valid else { throw .notHexadecimal }
  }

  deinit {
    OPENSSL_cleanse(bytes.baseAddress, bytes.count)
    bytes.deallocate()
  }

  func withBytes<Result>(_ body: (UnsafePointer<UInt8>) -> Result) -> Result {
    body(UnsafePointer(bytes.baseAddress!.assumingMemoryBound(to: UInt8.self)))
  }
}

extension GameStreamKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "GameStreamKey(redacted)" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: []) }
}

public enum GameStreamKeyError: String, Error, Hashable, Sendable {
  case wrongLength = "gamestream_key_wrong_length"
  case notHexadecimal = "gamestream_key_not_hexadecimal"

  public var code: String { rawValue }
}
