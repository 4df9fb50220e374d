import CRenderGuard
import Testing

@testable import Wire

@Suite struct GameStreamPacketizerTests {
  static let goldenBlock = [
    "80610004000000140000000023a695c3868e1ee3e59e930a5d04233b",
    "806100050000001900000000ffe2252b289b243b1b34c059f25b6448",
    "806100060000001e0000000025283565f79f501a98630133b01759b1",
    "806100070000002300000000f09cc6a153e9dae0633a22d1b68de582",
    "807f00080000000000000000006100040000001400000000ac3bd9af06681f13b4fb0c143f981c46",
    "807f00090000000000000000016100040000001400000000af2a5c864cea6dce5b81949dcfffc89a",
  ].map(bytes)
  static let goldenKeyID: Int32 = 0x1234_5678
  static let goldenPackets = (4...7 as ClosedRange<UInt8>).map { [0xEC] + [UInt8](repeating: $0, count: 9) }

  @Test func goldenBlockByteForByte() throws {
    let sender = try GameStreamSender(key: .golden(), keyID: Self.goldenKeyID)
    // From zero, so that skipping and the timestamps of blocks before are in it.
    #expect(try sender.block(blockPackets(0)).count == 6)
    #expect(sender.timestamp == 20)
    #expect(try sender.block(Self.goldenPackets) == Self.goldenBlock)
  }

  /// The same bytes when the encoder writes straight into the room.
  @Test func encodedInPlace() throws {
    let sender = try GameStreamSender(sequence: 4, timestamp: 20, key: .golden(), keyID: Self.goldenKeyID)
    var sent: [[UInt8]] = []
    for packet in Self.goldenPackets {
      let room = sender.packetizer.payloadRoom
      room.copyBytes(from: packet)
      let made = try sender.packetizer.packetize(UnsafeRawBufferPointer(rebasing: room[..<packet.count]))
      made.inOrder { sent.append([UInt8]($0)) }
    }
    #expect(sent == Self.goldenBlock)
  }

  @Test func plainPayloadsAndTenMilliseconds() throws {
    let sender = try GameStreamSender(.ms10)
    #expect(try sender.send([1, 2, 3]) == [bytes("8061 0000 00000000 00000000 010203")])
    #expect(try sender.send([4, 5, 6]) == [bytes("8061 0001 0000000a 00000000 040506")])
    #expect(!sender.isAtBlockBoundary)
    #expect(try sender.send([0, 0, 0]) == [bytes("8061 0002 00000014 00000000 000000")])
    let last = try sender.send([0, 0, 0])
    #expect(last.count == 3 && last[0] == bytes("8061 0003 0000001e 00000000 000000"))
    #expect(Array(last[1][..<24]) == bytes("807f 0004 00000000 00000000 00 61 0000 00000000 00000000"))
    #expect(Array(last[2][..<24]) == bytes("807f 0005 00000000 00000000 01 61 0000 00000000 00000000"))
    #expect(last[1].count == 27 && sender.isAtBlockBoundary)
  }

  @Test func countersWrap() throws {
    let sender = try GameStreamSender(sequence: 65_532, timestamp: UInt32.max - 9)
    let last = try sender.block(blockPackets(1))
    #expect(
      last.map { Array($0[..<8]) }
        == [
          "8061fffc fffffff6", "8061fffd fffffffb", "8061fffe 00000000", "8061ffff 00000005", "807f0000 00000000",
          "807f0001 00000000",
        ].map(bytes))
    #expect(Array(last[4][12..<24]) == bytes("00 61 fffc fffffff6 00000000"))
    #expect(try sender.send([1])[0] == bytes("8061 0000 0000000a 00000000 01"))
  }

  @Test func blocksAreSkippedWhole() throws {
    let sender = try GameStreamSender()
    _ = try sender.block(blockPackets(0))
    #expect(sender.skipBlocks(3))
    #expect(sender.sequence == 16 && sender.timestamp == 80)
    _ = try sender.send([1])
    #expect(!sender.skipBlocks(1))
    #expect(sender.sequence == 17 && sender.timestamp == 85)
    let wrapping = try GameStreamSender(sequence: 65_532)
    #expect(wrapping.skipBlocks(16_385))
    #expect(wrapping.sequence == 0 && wrapping.timestamp == 327_700)
  }

  @Test func anOddSizeIsNeverSent() throws {
    let sender = try GameStreamSender()
    _ = try sender.send([1, 2, 3])
    #expect(throws: GameStreamPacketError.sizeChangedInBlock(expected: 3, got: 4)) { try sender.send([1, 2, 3, 4]) }
    #expect(throws: GameStreamPacketError.empty) { try sender.send([]) }
    #expect(sender.sequence == 1 && sender.timestamp == 5)
    // The block goes on as if nothing had been tried.
    _ = try sender.send([4, 5, 6])
    _ = try sender.send([7, 8, 9])
    let last = try sender.send([0, 0, 0])
    let expected = try GameStreamSender()
    #expect(try expected.block([[1, 2, 3], [4, 5, 6], [7, 8, 9], [0, 0, 0]]).suffix(3) == last[...])
    // The next block may be of another size.
    #expect(try sender.block(blockPackets(1, size: 9)).allSatisfy { $0.count <= 33 })
  }

  /// Different sizes that encrypt to the same number of bytes are one size on the wire.
  @Test func sizesCountAsSent() throws {
    let sender = try GameStreamSender(key: .golden())
    _ = try sender.send([1])
    _ = try sender.send([UInt8](repeating: 1, count: 15))
    #expect(throws: GameStreamPacketError.sizeChangedInBlock(expected: 16, got: 32)) {
      try sender.send([UInt8](repeating: 1, count: 16))
    }
  }

  @Test func datagramsStayBelowTheLimit() throws {
    let plain = try GameStreamSender()
    let secret = try GameStreamSender(key: .golden())
    #expect(plain.opusLimit == 1376 && secret.opusLimit == 1375)
    #expect(try plain.block(blockPackets(0, size: 1376)).map { $0.count } == [1388, 1388, 1388, 1388, 1400, 1400])
    #expect(try secret.block(blockPackets(0, size: 1375)).map { $0.count } == [1388, 1388, 1388, 1388, 1400, 1400])
    #expect(throws: GameStreamPacketError.tooLarge(limit: 1376, got: 1377)) {
      try plain.send(Array(repeating: 0, count: 1377))
    }
    #expect(throws: GameStreamPacketError.tooLarge(limit: 1375, got: 1376)) {
      try secret.send(Array(repeating: 0, count: 1376))
    }
    #expect(GameStreamPacketError.empty.code == "gamestream_packet_empty")
  }

  @Test(.enabled(if: render_guard_available() != 0)) func packetsAllocateNothing() throws {
    let storage = UnsafeMutableRawBufferPointer.allocate(byteCount: GameStreamPacketizer.roomLength, alignment: 16)
    defer { storage.deallocate() }
    var packetizer = GameStreamPacketizer(
      duration: .ms5, room: storage, encryptor: try GameStreamCipher.Encryptor(key: .golden(), keyID: 1))
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 1280, alignment: 16)
    defer { room.deallocate() }
    room.initializeMemory(as: UInt8.self, repeating: 7)
    let opus = UnsafeRawBufferPointer(room)
    for _ in 0..<4 { _ = try packetizer.packetize(opus) }
    let sections = render_guard_sections()
    render_guard_count_apart(1)
    defer { render_guard_count_apart(0) }
    streamd_render_guard_enter()
    var made = 0
    for _ in 0..<400 {
      if let datagrams = try? packetizer.packetize(opus) { made += datagrams.parity == nil ? 1 : 3 }
    }
    streamd_render_guard_exit()
    #expect(made == 600 && render_guard_sections() > sections)
    let hits = (0..<Int32(4)).map { render_guard_apart_hits_of($0) }
    #expect(hits == [0, 0, 0, 0])
  }
}
