import AudioCore
import Glibc
import OpusCodec
import Testing
import VirtualMic

/// Packets of a 997 Hz sine on the left and 443 Hz on the right.
func sinePackets(_ count: Int) throws -> [[UInt8]] {
  var encoder = try OpusEncoder(.gameStreamStereo)
  let packet = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 1400)
  defer { packet.deallocate() }
  return try (0..<count).map { index in
    var input: [Float] = []
    for frame in index * 240..<(index + 1) * 240 {
      for frequency in [997.0, 443.0] {
        let phase = 2 * Double.pi * frequency * Double(frame) / 48_000
        input.append(Float(0.5 * sin(phase)))
      }
    }
    let size = try input.withUnsafeBufferPointer { try encoder.encode($0, into: packet) }
    return Array(packet[..<size])
  }
}

@Suite struct FrameDecoderTests {
  final class Player {
    var decoder: FrameDecoder
    let pcm: UnsafeMutableBufferPointer<Float>

    init() throws {
      decoder = try FrameDecoder(.gameStreamStereo)
      pcm = .allocate(capacity: decoder.samplesNeeded)
    }
    deinit { pcm.deallocate() }

    func play(_ playout: Playout, _ payload: [UInt8] = []) -> [Float] {
      let frames = decoder.play(playout, payload: payload, into: pcm)
      // Not Array(pcm[...]): the optimiser frees the copy that nobody looks at before it is filled.
      return (0..<frames.value * 2).map { pcm[$0] }
    }
  }

  static func peak(_ pcm: [Float]) -> Float { pcm.reduce(0) { max($0, abs($1)) } }
  /// Largest step between neighbours of one channel: what is heard as a click.
  static func step(_ pcm: [Float]) -> Float {
    (2..<pcm.count).reduce(0) { max($0, abs(pcm[$1] - pcm[$1 - 2])) }
  }

  @Test func waitingMakesNoSound() throws {
    let player = try Player()
    #expect(player.play(.idle).isEmpty)
    #expect(player.play(.early(until: HostTime(nanoseconds: 5))).isEmpty)
  }

  @Test func lossIsBridgedThenFadedToSilenceThenFadedIn() throws {
    let player = try Player()
    let packets = try sinePackets(60)
    var sound: [Float] = []
    for packet in packets[..<40] { sound = player.play(.packet, packet) }
    #expect(Self.peak(sound) > 0.4)
    var bridge: [[Float]] = []
    for _ in 0..<20 { bridge.append(player.play(.conceal(240, next: false))) }
    #expect(Self.peak(bridge[0]) > 0.3)
    #expect(Self.peak(bridge[12]) == 0 && Self.peak(bridge[19]) == 0)
    #expect(bridge.allSatisfy { $0.count == 480 })
    let back = player.play(.packet, packets[40])
    #expect(abs(back[0]) < 0.02 && Self.peak(back) > 0.1)
    #expect(Self.step(sound + bridge.flatMap { $0 } + back) < 0.2)
    let statistics = player.decoder.statistics
    #expect(statistics.decodedPackets == 41 && statistics.concealedFrames == 2880 && statistics.mutedFrames == 8 * 240)
  }

  @Test func shortLossDoesNotMute() throws {
    let player = try Player()
    let packets = try sinePackets(60)
    for packet in packets[..<40] { _ = player.play(.packet, packet) }
    #expect(Self.peak(player.play(.conceal(240, next: true), packets[41])) > 0.3)
    let after = player.play(.packet, packets[41])
    #expect(Self.peak(Array(after[..<100])) > 0.1)
  }

  @Test func pauseOfTheSenderFadesAtOnce() throws {
    let player = try Player()
    for packet in try sinePackets(40) { _ = player.play(.packet, packet) }
    let first = player.play(.silence(240))
    #expect(first.count == 480 && Self.peak(Array(first[240...])) == 0)
    #expect(Self.peak(player.play(.silence(100))) == 0)
    #expect(player.play(.silence(100)).count == 200)
  }

  @Test func garbageIsConcealedAndCounted() throws {
    let player = try Player()
    let packets = try sinePackets(80)
    for packet in packets[..<40] { _ = player.play(.packet, packet) }
    let bridged = player.play(.packet, [0xFF, 0xFF, 1, 2])
    #expect(bridged.count == 480 && Self.peak(bridged) > 0.3)
    #expect(player.play(.packet, []).count == 480)
    #expect(player.decoder.statistics.corruptPackets == 2)
    var sound: [Float] = []
    for packet in packets[42...] { sound = player.play(.packet, packet) }
    #expect(abs(Self.peak(sound) - 0.5) < 0.05)
  }

  @Test func oddLengthsAreMuted() throws {
    let player = try Player()
    for packet in try sinePackets(10) { _ = player.play(.packet, packet) }
    #expect(Self.peak(player.play(.conceal(77, next: false))) == 0)
    #expect(player.play(.conceal(1_000_000, next: false)).count == 5760 * 2)
  }
}
