import Testing

@testable import Wire

@Suite struct LocalMicTests {
  private func message(_ packet: LocalMicPacket, _ payload: [UInt8]) throws(MicPacketError) -> [UInt8] {
    try payload.span.withUnsafeBytes { (bytes) throws(MicPacketError) in try packet.message(bytes) }
  }

  private func parse(_ message: [UInt8]) throws(MicPacketError) -> LocalMicPacket {
    try message.span.withUnsafeBytes { (bytes) throws(MicPacketError) in try LocalMicPacket(parsing: bytes) }
  }

  private let floats = LocalMicPacket(kind: .f32, channels: 2, sequence: 0x1234, timestamp: 0x89AB_CDEF)

  @Test func bytesAreAsDocumented() throws {
    let sent = try message(floats, [0, 0, 0x80, 0x3F, 0, 0, 0, 0xBF])
    #expect(sent == bytes("534d4943 01 03 02 00 3412 0000 efcdab89 0000803f 000000bf"))
    #expect(try parse(sent) == floats)
    let pause = LocalMicPacket(kind: .pause, sequence: 1, timestamp: 2)
    #expect(try parse(message(pause, [])) == pause)
    let opus = LocalMicPacket(kind: .opus, sequence: 1, timestamp: 2)
    #expect(try parse(message(opus, [0x48, 1, 2])) == opus)
  }

  @Test func samplesComeBack() throws {
    func samples(_ packet: LocalMicPacket, _ payload: [UInt8]) -> [Float] {
      payload.withUnsafeBytes { packet.samples(of: $0) }
    }
    let shorts = LocalMicPacket(kind: .s16, channels: 1, sequence: 0, timestamp: 0)
    #expect(samples(shorts, bytes("0080 ff7f 0040 0000")) == [-1, 32_767.0 / 32_768, 0.5, 0])
    // 2, minus infinity, not a number, 0.25.
    #expect(samples(floats, bytes("00000040 000080ff 0000c07f 0000803e")) == [1, 0, 0, 0.25])
  }

  @Test func refusals() throws {
    let good = try message(floats, [UInt8](repeating: 0, count: 16))
    func error(_ at: Int, _ value: UInt8) -> MicPacketError? {
      var bad = good
      bad[at] = value
      do throws(MicPacketError) {
        _ = try parse(bad)
        return nil
      } catch { return error }
    }
    #expect(error(0, 0) == .notOurs && error(4, 2) == .badVersion && error(5, 4) == .badKind)
    #expect(error(6, 0) == .badChannels && error(6, 3) == .badChannels)
    #expect(error(7, 1) == .badReserved && error(10, 1) == .badReserved && error(11, 1) == .badReserved)
    #expect(error(5, 0) == .badChannels && error(5, 1) == .badChannels)
    for length in 0..<16 { #expect(throws: MicPacketError.tooShort) { try parse(Array(good[..<length])) } }
    #expect(throws: MicPacketError.badLength) { try parse(Array(good[..<16])) }
    #expect(throws: MicPacketError.badLength) { try parse(Array(good.dropLast())) }
    #expect(throws: MicPacketError.badLength) { try message(floats, [UInt8](repeating: 0, count: 2881 * 8)) }
    #expect(throws: MicPacketError.tooLong) { try parse(good + [UInt8](repeating: 0, count: 65_536)) }
    #expect(throws: MicPacketError.notOpus) {
      try message(LocalMicPacket(kind: .opus, sequence: 0, timestamp: 0), [])
    }
    #expect(throws: MicPacketError.badLength) {
      try message(LocalMicPacket(kind: .pause, sequence: 0, timestamp: 0), [0])
    }
    _ = try message(floats, [UInt8](repeating: 0, count: 2880 * 8))
  }
}
