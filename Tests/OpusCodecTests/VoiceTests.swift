import AudioCore
import OpusCodec
import Testing

/// What a microphone asks of the encoder: copies of lost frames, and silence that costs nothing.
@Suite struct VoiceTests {
  private static func packets(_ change: (inout OpusConfiguration) -> Void, level: Float) throws -> [[UInt8]] {
    var configuration = OpusConfiguration.standard(layout: .mono, bitrate: 64_000, frame: .ms20)
    configuration.application = .voip
    configuration.variableBitrate = true
    change(&configuration)
    var encoder = try OpusEncoder(configuration)
    var room = [UInt8](repeating: 0, count: configuration.packetBytes)
    let tone = Tones.interleaved(frames: 0..<100 * 960, channels: 1, amplitude: Double(level))
    return try (0..<100).map { index in
      let count = try tone[index * 960..<(index + 1) * 960].withUnsafeBufferPointer { pcm in
        try room.withUnsafeMutableBufferPointer { try encoder.encode(pcm, into: $0) }
      }
      return Array(room[..<count])
    }
  }

  private static func copies(_ packets: [[UInt8]]) -> Int {
    packets.count { $0.withUnsafeBufferPointer { OpusPacket.hasCopyOfPrevious($0) } == true }
  }

  @Test func packetsCarryCopiesWhereLossIsExpected() throws {
    #expect(Self.copies(try Self.packets({ $0.expectedLoss = 15 }, level: 0.1)) > 90)
    #expect(Self.copies(try Self.packets({ $0.expectedLoss = 0 }, level: 0.1)) == 0)
  }

  @Test func silenceIsNotSentWhereThatIsAsked() throws {
    let silent = try Self.packets({ $0.discontinuous = true }, level: 0)
    #expect(silent.count { $0.count <= 2 } > 80)
    #expect(try Self.packets({ $0.discontinuous = true }, level: 0.1).allSatisfy { $0.count > 2 })
    #expect(try Self.packets({ $0.discontinuous = false }, level: 0).allSatisfy { $0.count > 2 })
  }

  @Test func whatCannotBeIsAnError() {
    var configuration = OpusConfiguration.standard(layout: .mono, bitrate: 64_000, frame: .ms20)
    configuration.discontinuous = true
    #expect(throws: OpusError.badConfiguration(field: .discontinuous, allowed: "at variable bitrate only")) {
      try configuration.validate()
    }
    (configuration.discontinuous, configuration.expectedLoss) = (false, 101)
    #expect(throws: OpusError.badConfiguration(field: .expectedLoss, allowed: "0 to 100 percent")) {
      try configuration.validate()
    }
  }
}
