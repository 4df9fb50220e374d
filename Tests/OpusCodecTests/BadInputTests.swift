import AudioCore
import OpusCodec
import Testing

@Suite struct BadInputTests {
  static let bad: [(OpusError.Field, @Sendable (inout OpusConfiguration) -> Void)] = [
    (.streams, { $0.streams = 0 }),
    (.streams, { $0.streams = 3 }),
    (.coupled, { $0.coupled = 0 }),
    (.coupled, { $0.coupled = -1 }),
    (.mapping, { $0.mapping = [0] }),
    (.mapping, { $0.mapping = [0, 0] }),
    (.mapping, { $0.mapping = [0, 2] }),
    (.bitrate, { $0.bitrate = 0 }),
    (.bitrate, { $0.bitrate = -96_000 }),
    (.bitrate, { $0.bitrate = 512_001 }),
    (.bitrate, { $0.bitrate = Int.max }),
    (.bitrate, { ($0.bitrate, $0.frame) = (512_000, .ms20) }),
    (.bitrate, { ($0.bitrate, $0.frame) = (30_000, .ms2_5) }),
    (.complexity, { $0.complexity = 11 }),
    (.complexity, { $0.complexity = -1 }),
  ]

  @Test(arguments: bad.indices) func badConfigurationNamesItsField(_ index: Int) {
    var configuration = OpusConfiguration.gameStreamStereo
    Self.bad[index].1(&configuration)
    let expected = Self.bad[index].0
    #expect { try configuration.validate() } throws: { Self.field($0) == expected }
    #expect { _ = try OpusEncoder(configuration).lookahead } throws: { Self.field($0) == expected }
    #expect { _ = try OpusDecoder(configuration).configuration } throws: { Self.field($0) == expected }
  }

  static func field(_ error: any Error) -> OpusError.Field? {
    guard case .badConfiguration(let field, _) = error as? OpusError else { return nil }
    return field
  }

  @Test func codesAreStable() {
    #expect(OpusError.badConfiguration(field: .bitrate, allowed: "").code == "opus_bad_bitrate")
    #expect(OpusError.corruptPacket.code == "opus_corrupt_packet")
  }

  @Test(arguments: [0, 479, 481]) func wrongFrameLength(_ count: Int) throws {
    var encoder = try OpusEncoder(.gameStreamStereo)
    let packet = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 60)
    defer { packet.deallocate() }
    let input = [Float](repeating: 0, count: count)
    let error = #expect(throws: OpusError.self) {
      _ = try input.withUnsafeBufferPointer { try encoder.encode($0, into: packet) }
    }
    #expect(error == .wrongFrameLength(expected: 480, got: count))
  }

  @Test func smallBufferIsAnErrorNotAWorsePacket() throws {
    var encoder = try OpusEncoder(.gameStreamStereo)
    let packet = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 59)
    defer { packet.deallocate() }
    let input = [Float](repeating: 0, count: 480)
    let error = #expect(throws: OpusError.self) {
      _ = try input.withUnsafeBufferPointer { try encoder.encode($0, into: packet) }
    }
    #expect(error == .bufferTooSmall(needed: 60))
  }

  @Test(arguments: [OpusConfiguration.gameStreamStereo, .gameStreamSurround71]) func decoderSurvivesGarbage(
    _ configuration: OpusConfiguration
  ) throws {
    var decoder = try OpusDecoder(configuration)
    let channels = configuration.layout.count
    let pcm = UnsafeMutablePointer<Float>.allocate(capacity: 5760 * channels)
    defer { pcm.deallocate() }
    var (state, refused) = (UInt64(7), 0)
    for round in 0..<2000 {
      let bytes = (0..<round % 97).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 33)
      }
      do throws(OpusError) {
        let frames = try bytes.withUnsafeBufferPointer { (packet) throws(OpusError) in
          try decoder.decode(packet, into: pcm, capacity: 5760)
        }
        #expect(frames.value > 0 && frames.value <= 5760)
      } catch {
        #expect(error == .corruptPacket)
        refused += 1
      }
    }
    #expect(refused > 100)
    // Sound still comes out right afterwards.
    decoder.reset()
    var encoder = try OpusEncoder(configuration)
    let packet = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 4000)
    defer { packet.deallocate() }
    var tail: [Float] = []
    for index in 0..<80 {
      let input = Tones.interleaved(frames: index * 240..<(index + 1) * 240, channels: channels, amplitude: 0.1)
      let size = try input.withUnsafeBufferPointer { try encoder.encode($0, into: packet) }
      let frames = try decoder.decode(UnsafeBufferPointer(rebasing: packet[..<size]), into: pcm, capacity: 5760)
      if index >= 40 { tail += UnsafeBufferPointer(start: pcm, count: frames.value * channels) }
    }
    let level = Tones.level(tail[...], channel: 1, channels: channels, frequency: Tones.frequency(channel: 1))
    #expect(abs(level + 20) < 0.5)
  }

  @Test func audioThatDoesNotFitIsAnError() throws {
    var encoder = try OpusEncoder(.gameStreamStereo)
    var decoder = try OpusDecoder(.gameStreamStereo)
    let packet = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 60)
    defer { packet.deallocate() }
    let input = [Float](repeating: 0, count: 480)
    _ = try input.withUnsafeBufferPointer { try encoder.encode($0, into: packet) }
    var pcm = [Float](repeating: 7, count: 480)
    for capacity in [0, 120, 239] {
      #expect(throws: OpusError.self) {
        _ = try decoder.decode(UnsafeBufferPointer(packet), into: &pcm, capacity: FrameCount(capacity))
      }
    }
    #expect(pcm.allSatisfy { $0 == 7 })
    #expect(OpusPacket.frames(of: UnsafeBufferPointer(packet)) == 240)
    #expect(OpusPacket.frames(of: UnsafeBufferPointer(rebasing: packet[..<0])) == nil)
  }

  @Test func concealmentContinuesASoundAndFades() throws {
    var encoder = try OpusEncoder(.gameStreamStereo)
    var decoder = try OpusDecoder(.gameStreamStereo)
    let packet = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 60)
    defer { packet.deallocate() }
    var pcm = [Float](repeating: 0, count: 480)
    for index in 0..<40 {
      let input = Tones.interleaved(frames: index * 240..<(index + 1) * 240, channels: 2, amplitude: 0.3)
      _ = try input.withUnsafeBufferPointer { try encoder.encode($0, into: packet) }
      _ = try decoder.decode(UnsafeBufferPointer(packet), into: &pcm, capacity: 240)
    }
    #expect(try decoder.conceal(240, into: &pcm) == 240)
    #expect(pcm.map(abs).max()! > 0.1)
    // No redundancy in these packets: recovering is concealing.
    #expect(try decoder.recover(from: UnsafeBufferPointer(packet), frames: 240, into: &pcm) == 240)
    for _ in 0..<100 { _ = try decoder.conceal(240, into: &pcm) }
    #expect(pcm.map(abs).max()! < 0.05)
  }
}
