import AudioCore
import COpusSystem
import Testing

@testable import Wire

/// Our reading of Opus packets against libopus'.
@Suite struct OpusShapeTests {
  private func shape(_ packet: [UInt8]) -> OpusPacketShape? { packet.withUnsafeBytes { OpusPacketShape(of: $0) } }

  private func agrees(_ packet: [UInt8]) -> Bool {
    var sizes = [Int16](repeating: 0, count: 48)
    let count = Int(opus_packet_parse(packet, Int32(packet.count), nil, nil, &sizes, nil))
    guard let shape = shape(packet) else { return count <= 0 }
    return count == shape.count
      && Int(opus_packet_get_nb_samples(packet, Int32(packet.count), 48_000)) == shape.frames.value
      && (opus_packet_get_nb_channels(packet) == 2) == shape.isStereo
  }

  /// All heads of every code, with bodies around the lengths that matter.
  @Test func headsAndLengths() {
    var checked = 0
    for head in UInt8.min...UInt8.max {
      for length in [0, 1, 2, 3, 4, 9, 10, 255, 1274, 1275, 1276, 2550, 2551, 2552] {
        #expect(agrees([head] + [UInt8](repeating: 1, count: length)), "\(head) \(length)")
        checked += 1
      }
      for second in UInt8.min...UInt8.max where head & 3 == 3 {
        for length in [0, 1, 6, 24, 120, 1400] {
          #expect(agrees([head, second] + [UInt8](repeating: 0, count: length)))
          #expect(agrees([head, second] + [UInt8](repeating: 255, count: length)))
          checked += 2
        }
      }
    }
    #expect(checked > 100_000)
    #expect(agrees([]))
  }

  @Test func randomBytes() {
    var dice = PacketDice(state: 11)
    var (valid, invalid) = (0, 0)
    for _ in 0..<300_000 {
      var packet = dice.bytes(dice.below(40))
      // Codes with lengths of their own are what is difficult.
      if !packet.isEmpty, dice.below(2) == 0 { packet[0] |= 2 }
      if packet.count > 1, dice.below(2) == 0 { packet[1] &= 0xC7 }
      #expect(agrees(packet), "\(packet)")
      if shape(packet) == nil { invalid += 1 } else { valid += 1 }
    }
    // Both happen often, or nothing was compared.
    #expect(valid > 30_000 && invalid > 30_000)
  }

  @Test func longPackets() {
    var dice = PacketDice(state: 12)
    for _ in 0..<20_000 {
      var packet = dice.bytes(1 + dice.below(3000))
      packet[0] |= UInt8(dice.below(4))
      if packet.count > 1, dice.below(2) == 0 { packet[1] &= 0xC3 }
      #expect(agrees(packet))
    }
  }

  @Test func whatAnEncoderMakes() throws {
    for packet in try voicePackets(50) {
      let found = try #require(shape(packet))
      #expect(found.frames == 960 && found.count == 1 && !found.isStereo)
      #expect(agrees(packet))
    }
  }
}
