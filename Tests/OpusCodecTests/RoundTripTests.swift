import AudioCore
import OpusCodec
import Testing

/// A preset under the name it has in the table of sizes.
struct Preset: CustomTestStringConvertible {
  let testDescription: String
  let configuration: OpusConfiguration
  let bytes: [FrameDuration: Int]

  static let all = [
    Preset("mono", .mono, 40, 80),
    Preset("stereo", .gameStreamStereo, 60, 120),
    Preset("stereo high", .gameStreamStereoHigh, 320, 640),
    Preset("5.1", .gameStreamSurround51, 160, 320),
    Preset("5.1 high", .gameStreamSurround51High, 960, 1920),
    Preset("7.1", .gameStreamSurround71, 281, 562),
    Preset("7.1 high", .gameStreamSurround71High, 1280, 2560),
    Preset("5.1 paired", .gameStreamSurround51Paired, 160, 320),
    Preset("7.1 paired", .gameStreamSurround71Paired, 281, 562),
  ]

  init(_ name: String, _ configuration: OpusConfiguration, _ ms5: Int, _ ms10: Int) {
    testDescription = name
    self.configuration = configuration
    bytes = [.ms5: ms5, .ms10: ms10]
  }
}

/// Encodes tones frame by frame; gives back the packets' sizes, their first bytes and the decoded sound.
func roundTrip(
  _ configuration: OpusConfiguration, packets: Int, amplitude: Double = 0.1
) throws -> (sizes: Set<Int>, firstBytes: Set<UInt8>, pcm: [Float]) {
  var encoder = try OpusEncoder(configuration)
  var decoder = try OpusDecoder(configuration)
  let (length, channels) = (configuration.frame.rawValue, configuration.layout.count)
  let packet = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 8192)
  defer { packet.deallocate() }
  var (sizes, firstBytes, pcm): (Set<Int>, Set<UInt8>, [Float]) = ([], [], [])
  var frame = [Float](repeating: 0, count: 5760 * channels)
  for index in 0..<packets {
    let input = Tones.interleaved(
      frames: index * length..<(index + 1) * length, channels: channels, amplitude: amplitude)
    let size = try input.withUnsafeBufferPointer { try encoder.encode($0, into: packet) }
    sizes.insert(size)
    firstBytes.insert(packet[0])
    let decoded = try frame.withUnsafeMutableBufferPointer {
      try decoder.decode(UnsafeBufferPointer(rebasing: packet[..<size]), into: $0.baseAddress!, capacity: 5760)
    }
    #expect(decoded == configuration.frame.frames)
    pcm += frame[..<(decoded.value * channels)]
  }
  return (sizes, firstBytes, pcm)
}

@Suite struct RoundTripTests {
  @Test(arguments: Preset.all) func everyToneComesOutOfItsChannel(_ preset: Preset) throws {
    let channels = preset.configuration.layout.count
    // At the 43 to 56 kb/s a channel of normal surround, 5 ms frames hold a tone's level only within a decibel.
    let lean = channels > 2 && preset.configuration.bitrate / channels < 60_000
    try expectTones(preset.configuration, within: lean ? 1 : 0.2)
    // The same shape with bits enough shows that it is the bits and not us.
    var rich = preset.configuration
    rich.bitrate = max(rich.bitrate, 96_000 * channels)
    try expectTones(rich, within: 0.2)
  }

  private func expectTones(_ configuration: OpusConfiguration, within tolerance: Double) throws {
    let channels = configuration.layout.count
    let settled = try roundTrip(configuration, packets: 120).pcm[(40 * 240 * channels)...]
    for channel in 0..<channels {
      for tone in 0..<channels {
        let level = Tones.level(
          settled, channel: channel, channels: channels, frequency: Tones.frequency(channel: tone))
        if tone == channel { #expect(abs(level + 20) < tolerance) } else { #expect(level < -45) }
      }
    }
  }

  @Test(arguments: Preset.all, [FrameDuration.ms5, .ms10]) func constantBitrateHasOneSize(
    _ preset: Preset, frame: FrameDuration
  ) throws {
    var configuration = preset.configuration
    configuration.frame = frame
    let bytes = try #require(preset.bytes[frame])
    #expect(configuration.packetBytes == bytes)
    let trip = try roundTrip(configuration, packets: 60)
    #expect(trip.sizes == [bytes])
    // Full band, coupled or mono first stream.
    let first: UInt8 = (frame == .ms5 ? 0xE8 : 0xF0) | (configuration.coupled > 0 ? 4 : 0)
    #expect(trip.firstBytes == [first])
  }

  @Test(arguments: FrameDuration.allCases) func everyDurationWorks(_ frame: FrameDuration) throws {
    let configuration = OpusConfiguration.standard(layout: .stereo, bitrate: 128_000, frame: frame)
    #expect(try roundTrip(configuration, packets: 40).sizes == [128_000 / 8 * frame.rawValue / 48_000])
    #expect(configuration.samplesPerFrame == 2 * frame.rawValue)
  }

  @Test func variableBitrateVaries() throws {
    var configuration = OpusConfiguration.gameStreamStereo
    configuration.variableBitrate = true
    #expect(try roundTrip(configuration, packets: 60).sizes.count > 1)
  }

  @Test func mappings() {
    #expect(OpusConfiguration.gameStreamSurround51.mapping == [0, 1, 2, 3, 4, 5])
    #expect(OpusConfiguration.gameStreamSurround51.coupled == 2)
    #expect(OpusConfiguration.gameStreamSurround71.coupled == 3)
    #expect(OpusConfiguration.gameStreamSurround51High.coupled == 0)
    #expect(OpusConfiguration.gameStreamSurround51Paired.mapping == [0, 1, 4, 5, 2, 3])
    #expect(OpusConfiguration.gameStreamSurround71Paired.mapping == [0, 1, 6, 7, 2, 3, 4, 5])
    #expect(OpusConfiguration.standard(layout: .mono, bitrate: 64_000).mapping == [0])
    #expect(OpusConfiguration.standard(layout: .stereo, bitrate: 64_000).coupled == 1)
  }

  /// Two tones in one band drift in and out of phase: only with inversion does their level stay.
  @Test(arguments: [true, false]) func phaseInversionKeepsSoundOutOfPhase(_ allowed: Bool) throws {
    var configuration = OpusConfiguration.standard(layout: .stereo, bitrate: 192_000)
    configuration.phaseInversion = allowed
    var encoder = try OpusEncoder(configuration)
    var decoder = try OpusDecoder(configuration)
    let packet = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 1400)
    defer { packet.deallocate() }
    var (heard, frame): ([Float], [Float]) = ([], [Float](repeating: 0, count: 480))
    for index in 0..<200 {
      // Each channel the inverse of the other.
      let input = Tones.interleaved(frames: index * 240..<(index + 1) * 240, channels: 1, amplitude: 0.1)
        .flatMap { [$0, -$0] }
      let size = try input.withUnsafeBufferPointer { try encoder.encode($0, into: packet) }
      _ = try decoder.decode(UnsafeBufferPointer(rebasing: packet[..<size]), into: &frame, capacity: 240)
      if index >= 40 { heard += frame }
    }
    let level = Tones.level(heard[...], channel: 1, channels: 2, frequency: Tones.frequency(channel: 0))
    #expect((abs(level + 20) < 0.2) == allowed)
  }

  @Test func lookaheadIsTwoAndAHalfMilliseconds() throws {
    let encoder = try OpusEncoder(.gameStreamStereo)
    #expect(encoder.lookahead == 120)
  }

  @Test func bitrateChangesMidStream() throws {
    var encoder = try OpusEncoder(.gameStreamStereo)
    let input = Tones.interleaved(frames: 0..<240, channels: 2, amplitude: 0.1)
    let packet = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 1400)
    defer { packet.deallocate() }
    #expect(try input.withUnsafeBufferPointer { try encoder.encode($0, into: packet) } == 60)
    try encoder.setBitrate(192_000)
    #expect(encoder.configuration.bitrate == 192_000)
    #expect(try input.withUnsafeBufferPointer { try encoder.encode($0, into: packet) } == 120)
  }

  @Test func resetForgets() throws {
    var encoder = try OpusEncoder(.gameStreamStereo)
    let packet = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 60)
    defer { packet.deallocate() }
    func one(_ encoder: inout OpusEncoder, _ frames: Range<Int>) throws -> [UInt8] {
      let input = Tones.interleaved(frames: frames, channels: 2, amplitude: 0.3)
      let size = try input.withUnsafeBufferPointer { try encoder.encode($0, into: packet) }
      return Array(packet[..<size])
    }
    let fresh = try one(&encoder, 0..<240)
    let later = try one(&encoder, 0..<240)
    encoder.reset()
    let again = try one(&encoder, 0..<240)
    #expect(fresh == again)
    #expect(fresh != later)
  }
}
