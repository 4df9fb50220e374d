import AudioCore
import Testing
import Wire

func bytes(_ hex: String) -> [UInt8] {
  let digits = hex.filter { !$0.isWhitespace }
  return stride(from: 0, to: digits.count, by: 2).map { at in
    let start = digits.index(digits.startIndex, offsetBy: at)
    return UInt8(digits[start..<digits.index(start, offsetBy: 2)], radix: 16)!
  }
}

func parse(_ datagram: [UInt8], _ parser: RTPParser = RTPParser()) throws -> RTPPacket {
  try datagram.withUnsafeBytes { try parser.parse($0) }
}

func header(_ packetizer: inout RTPPacketizer, frames: FrameCount = 240, at time: NTPTime? = nil) -> [UInt8] {
  var packet = [UInt8](repeating: 0xAA, count: packetizer.headerLength)
  packet.withUnsafeMutableBytes { _ = packetizer.writeHeader(into: $0, frames: frames, capturedAt: time) }
  return packet
}

@Suite struct RTPPacketizerTests {
  @Test func plainPackets() {
    var packetizer = RTPPacketizer(source: 0x0102_0304, sequence: 0xFFFF, timestamp: 0xFFFF_FF10)
    #expect(packetizer.headerLength == 12)
    #expect(header(&packetizer) == bytes("80e1 ffff ffffff10 01020304"))
    #expect(header(&packetizer) == bytes("8061 0000 00000000 01020304"))
    packetizer.skip(480)
    packetizer.skip(0)
    #expect(header(&packetizer) == bytes("80e1 0001 000002d0 01020304"))
    #expect(header(&packetizer) == bytes("8061 0002 000003c0 01020304"))
    #expect(packetizer.sequence == 3 && packetizer.timestamp == 0x4B0)
  }

  @Test func captureTime() {
    var packetizer = RTPPacketizer(payloadType: 111, source: 5, sequence: 1, timestamp: 2, carriesCaptureTime: true)
    #expect(packetizer.headerLength == 28)
    let time = NTPTime(bits: 0xE900_0001_8000_0002)
    #expect(
      header(&packetizer, at: time) == bytes("90ef 0001 00000002 00000005 bede0003 17 e900000180000002 000000"))
    #expect(header(&packetizer) == bytes("906f 0002 000000f2 00000005 bede0003 00 0000000000000000 000000"))
  }

  @Test func onlyTheHeaderIsWritten() {
    var packetizer = RTPPacketizer(source: 5, sequence: 1, timestamp: 2, carriesCaptureTime: true)
    var packet = [UInt8](repeating: 0x55, count: 40)
    packet.withUnsafeMutableBytes { _ = packetizer.writeHeader(into: $0, frames: 240, capturedAt: NTPTime(bits: 1)) }
    #expect(packet[28...].allSatisfy { $0 == 0x55 })
  }

  @Test func randomStartsDiffer() {
    var generator = SystemRandomNumberGenerator()
    let a = RTPPacketizer.random(using: &generator)
    let b = RTPPacketizer.random(using: &generator)
    #expect(a != b && a.payloadType == 97)
  }

  @Test(
    arguments: [
      0, 1, 999_999_999, 1_700_000_000_123_456_789, 2_085_978_495_999_999_999, 2_085_978_496_000_000_001,
    ] as [Int64]) func ntpTimeKeepsTheNanosecond(_ time: Int64)
  {
    #expect(NTPTime(unixNanoseconds: time).unixNanoseconds == time)
  }

  @Test func ntpTimeMatchesItsDefinition() {
    #expect(NTPTime(unixNanoseconds: 500_000_000).bits == UInt64(2_208_988_800) << 32 | 0x8000_0000)
  }
}

@Suite struct RTPParserTests {
  @Test func plain() throws {
    let packet = try parse(bytes("80e1 ffff ffffff10 01020304 aabb"))
    #expect(
      packet.header
        == RTPHeader(marker: true, payloadType: 97, sequence: 0xFFFF, timestamp: 0xFFFF_FF10, source: 0x0102_0304))
    #expect(packet.payload == 12..<14)
    #expect(packet.captureTime == nil)
  }

  @Test func sourcesExtensionAndPaddingTogether() throws {
    let packet = try parse(
      bytes(
        """
        b2 61 0001 00000002 00000003 11111111 22222222
        bede 0004 21 aabb 00 17 0102030405060708 000000 aa bb cc dd ee 00 00 03
        """))
    #expect(packet.captureTime == NTPTime(bits: 0x0102_0304_0506_0708))
    #expect(packet.payload == 40..<45)
  }

  @Test func captureTimeForms() throws {
    // The long form, with a clock offset behind the time.
    let long = bytes("90 61 0001 00000002 00000003 bede0005 1f 0102030405060708 1111111111111111 000000 ff")
    #expect(try parse(long).captureTime == NTPTime(bits: 0x0102_0304_0506_0708))
    #expect(try parse(long, RTPParser(captureTimeID: 2)).captureTime == nil)
    #expect(try parse(long, RTPParser(captureTimeID: nil)).captureTime == nil)
    // Another profile, an element that ends behind the extension, and the stop mark.
    #expect(try parse(bytes("90 61 0001 00000002 00000003 10000001 17010203 ff")).payload == 20..<21)
    #expect(try parse(bytes("90 61 0001 00000002 00000003 bede0001 17010203 ff")).captureTime == nil)
    let stopped = bytes("90 61 0001 00000002 00000003 bede0003 f0 00 17 0102030405060708 00 ff")
    #expect(try parse(stopped).captureTime == nil)
  }

  @Test func refusals() {
    func refuses(_ hex: String, _ expected: RTPError) {
      #expect(throws: expected) { try parse(bytes(hex)) }
    }
    refuses("", .tooShort)
    refuses("8061 0001 00000002 000000", .tooShort)
    refuses("4061 0001 00000002 00000003 aa", .badVersion)
    refuses("8f61 0001 00000002 00000003 aa", .truncatedSources)
    refuses("9061 0001 00000002 00000003 be", .truncatedExtension)
    refuses("9061 0001 00000002 00000003 bedeffff 00000000", .truncatedExtension)
    refuses("a061 0001 00000002 00000003 aa00", .badPadding)
    refuses("a061 0001 00000002 00000003 aa05", .badPadding)
    refuses("a061 0001 00000002 00000003 0202", .emptyPayload)
    refuses("8061 0001 00000002 00000003", .emptyPayload)
    #expect(RTPError.badPadding.code == "rtp_bad_padding")
  }

  /// Changed, cut and grown packets: never a payload outside the datagram.
  @Test func mutations() {
    var random = Lehmer(state: 11)
    let seeds = [
      bytes("80e1 ffff ffffff10 01020304 aabbccdd"),
      bytes("9061 0001 00000002 00000003 bede0003 17 e900000180000002 000000 aabbcc"),
      bytes("b261 0001 00000002 00000003 11111111 22222222 bede0002 21aabb00 00000000 aa0002"),
    ]
    var (kept, refused) = (0, 0)
    for round in 0..<20_000 {
      var datagram = seeds[round % seeds.count]
      for _ in 0...random.below(4) { datagram[random.below(datagram.count)] = UInt8(random.below(256)) }
      if random.below(3) == 0 { datagram.removeLast(random.below(datagram.count)) }
      if random.below(5) == 0 { datagram += (0..<random.below(60)).map { _ in UInt8(random.below(256)) } }
      do {
        let packet = try parse(datagram)
        #expect(packet.payload.lowerBound >= 12 && packet.payload.upperBound <= datagram.count)
        #expect(!packet.payload.isEmpty)
        kept += 1
      } catch {
        refused += 1
      }
    }
    #expect(kept > 1000 && refused > 1000)
  }
}

/// A small generator that gives the same numbers on every run.
struct Lehmer {
  var state: UInt64
  mutating func below(_ limit: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int((state >> 33) % UInt64(limit))
  }
}

@Suite struct UnwrapperTests {
  @Test func wrapsForwardAndBack() {
    var unwrapper = SequenceUnwrapper()
    let first = unwrapper.unwrap(65_534)
    #expect(unwrapper.unwrap(65_535) == first + 1)
    #expect(unwrapper.unwrap(1) == first + 3)
    #expect(unwrapper.unwrap(0) == first + 2)
    #expect(unwrapper.newest == first + 3)
    #expect(unwrapper.peek(65_000) == first - 534)
    #expect(unwrapper.newest == first + 3)
  }

  @Test func manyTurns() {
    var sequence = SequenceUnwrapper()
    var timestamp = TimestampUnwrapper()
    let starts = (sequence.unwrap(40_000), timestamp.unwrap(4_000_000_000))
    for step in stride(from: 997, through: 997_000, by: 997) {
      #expect(sequence.unwrap(UInt16(truncatingIfNeeded: 40_000 + step)) == starts.0 + Int64(step))
      let ticks = Int64(step) * 240_000
      #expect(timestamp.unwrap(UInt32(truncatingIfNeeded: 4_000_000_000 + ticks)) == starts.1 + ticks)
    }
  }

  @Test func farBackStaysPositive() {
    var unwrapper = SequenceUnwrapper()
    #expect(unwrapper.unwrap(3) > 40_000)
    #expect(unwrapper.unwrap(65_000) > 0)
  }
}
