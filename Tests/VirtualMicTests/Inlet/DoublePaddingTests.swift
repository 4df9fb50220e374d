import Testing

@testable import Wire

/// What clients' packets look like after the cipher, and how often one is cut that must not be.
@Suite struct DoublePaddingTests {
  /// Frames of whole blocks, padded once: 64 kbit/s without variable rate is 160 bytes. By chance a few end like padding;
  /// a rule that looks at one packet only cuts these.
  @Test func alignedFramesStayWhole() throws {
    var padding = InnerPadding()
    var (frames, cut, likely) = (0, 0, 0)
    try voicePackets(24_000, variable: false, seed: 3) { packet in
      guard packet.count % 16 == 0 else { return }
      frames += 1
      packet.withUnsafeBytes {
        if InnerPadding.length(in: $0) > 0 { likely += 1 }
        if padding.cut($0) != packet.count { cut += 1 }
      }
    }
    #expect(frames >= 20_000)
    // About half a promille is what looking at one packet costs.
    #expect(likely <= 30, "\(likely) of \(frames) look padded")
    #expect(cut == 0, "\(cut) of \(frames) cut")
  }

  /// Bytes without any structure look padded once in 256 times, and still are not cut.
  @Test func randomBytesStayWhole() {
    var padding = InnerPadding()
    var dice = PacketDice(state: 5)
    var (cut, likely) = (0, 0)
    for _ in 0..<100_000 {
      let plain = dice.bytes(160)
      plain.withUnsafeBytes {
        if InnerPadding.length(in: $0) > 0 { likely += 1 }
        if padding.cut($0) != plain.count { cut += 1 }
      }
    }
    #expect(likely > 200)
    #expect(cut == 0)
  }

  /// Every client that pads twice is understood after a few packets, whatever its lengths; from then on its Opus is what
  /// it was.
  @Test(arguments: [true, false], [16_000, 24_000, 48_000, 61_200, 64_000])
  func twicePaddedFramesAreRestored(_ variable: Bool, _ bitrate: Int) throws {
    var padding = InnerPadding()
    var (index, late, wrong) = (0, 0, 0)
    for packet in try voicePackets(1000, bitrate: bitrate, variable: variable) {
      var plain = packet
      while plain.count % 16 != 0 { plain.append(UInt8(16 - packet.count % 16)) }
      let length = plain.withUnsafeBytes { padding.cut($0) }
      if length != packet.count { if index < 10 { late += 1 } else { wrong += 1 } }
      index += 1
    }
    #expect(late <= 10 && wrong == 0, "late \(late), wrong \(wrong)")
  }

  @Test func oncePaddedFramesAreNeverCut() throws {
    var padding = InnerPadding()
    for packet in try voicePackets(2000, bitrate: 48_000) {
      let length = packet.withUnsafeBytes { padding.cut($0) }
      #expect(length == packet.count)
    }
  }
}
