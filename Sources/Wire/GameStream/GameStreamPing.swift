/// The 16 characters by which a host knows its client's pings.
public struct GameStreamPingPayload: Hashable, Sendable {
  public static let length = 16

  private var bytes: SIMD16<UInt8>

  fileprivate init(_ datagram: UnsafeRawBufferPointer) {
    bytes = datagram.loadUnaligned(as: SIMD16<UInt8>.self)
  }

  /// Nil unless it is 16 printable ASCII characters: clients fall back to the nameless ping for any other length.
  public init?(_ text: some StringProtocol) {
    guard text.utf8.count == Self.length, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
    bytes = SIMD16(text.utf8)
  }

  /// Eight random bytes in upper-case hexadecimal digits.
  public static func random(using generator: inout some RandomNumberGenerator) -> Self {
    let digits = String(generator.next() as UInt64, radix: 16, uppercase: true)
    return Self(String(repeating: "0", count: length - digits.count) + digits)!
  }

  /// As the host's answer to SETUP carries it.
  public var text: String { String(decoding: (0..<Self.length).map { bytes[$0] }, as: UTF8.self) }

  fileprivate func write(into datagram: UnsafeMutableRawBufferPointer) {
    datagram.storeBytes(of: bytes, as: SIMD16<UInt8>.self)
  }
}

/// What a client sends every 500 ms from the socket on which it wants its sound.
public enum GameStreamPing: Hashable, Sendable {
  /// `PING`: says nothing about who sends it.
  case legacy
  /// The counter starts at 1 and rises with every ping.
  case current(GameStreamPingPayload, counter: UInt32)

  public static let legacyLength = 4
  public static let currentLength = 20
  private static let legacyWord: UInt32 = 0x5049_4E47

  /// Nil for what is no ping. Bytes after the 20 are left to the future.
  public init?(parsing datagram: UnsafeRawBufferPointer) {
    if datagram.count == Self.legacyLength, datagram.bigEndian32(at: 0) == Self.legacyWord {
      self = .legacy
    } else if datagram.count >= Self.currentLength {
      self = .current(GameStreamPingPayload(datagram), counter: datagram.bigEndian32(at: GameStreamPingPayload.length))
    } else {
      return nil
    }
  }

  public var length: Int {
    switch self {
    case .legacy: Self.legacyLength
    case .current: Self.currentLength
    }
  }

  /// Writes the ping into the first `length` bytes.
  public func write(into datagram: UnsafeMutableRawBufferPointer) {
    precondition(datagram.count >= length)
    switch self {
    case .legacy: datagram.storeBytes(of: Self.legacyWord.bigEndian, as: UInt32.self)
    case .current(let payload, let counter):
      payload.write(into: datagram)
      datagram.storeBytes(of: counter.bigEndian, toByteOffset: GameStreamPingPayload.length, as: UInt32.self)
    }
  }
}

extension UnsafeRawBufferPointer {
  fileprivate func bigEndian32(at offset: Int) -> UInt32 {
    UInt32(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }
}
