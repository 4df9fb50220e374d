import AudioCore
import Testing

@testable import VirtualMic
@testable import Wire

@Suite struct SealedDoorTests {
  @Test func framesPausesAndKeepalives() throws {
    let rig = DoorRig()
    try rig.open(1, .ours(7))
    var sealer = try SealedMicSealer(key: .test(7), session: 7)
    let packets = try voicePackets(50)
    for (index, packet) in packets.enumerated() {
      let entry = rig.take(try sealer.seal(.opus, packet, timestamp: UInt32(index) * 960), from: client(5000))
      let frame = MicFrame(sequence: UInt16(index), timestamp: UInt32(index) * 960, body: .opus(packet))
      #expect(entry == .frame(TalkerID(1), frame))
      rig.tick()
    }
    let pause = rig.take(try sealer.seal(.pause, timestamp: 48_000, isMuted: true), from: client(5000))
    #expect(pause == .frame(TalkerID(1), MicFrame(sequence: 50, timestamp: 48_000, body: .pause)))
    #expect(rig.facts(1).isMuted && rig.facts(1).frames == 50 && rig.facts(1).pauses == 1)
    #expect(rig.take(try sealer.seal(.keepalive, timestamp: 48_000), from: client(5000)) == .alive(TalkerID(1)))
    #expect(!rig.facts(1).isMuted && rig.facts(1).keepalives == 1 && rig.facts(1).refused.total == 0)
  }

  /// A client is heard with its first packet from a new address; one that was held up says nothing about where it is.
  @Test func addressesDoNotMatter() throws {
    let rig = DoorRig()
    try rig.open(1, .ours(7))
    try rig.open(2, .ours(8))
    var first = try SealedMicSealer(key: .test(7), session: 7)
    var second = try SealedMicSealer(key: .test(8), session: 8)
    let packet: [UInt8] = [0x48, 1, 2]
    let late = try first.seal(.opus, packet, timestamp: 0, isMuted: true)
    for index in 0..<20 {
      // The same address for both, and a new one each time.
      let source = client(UInt16(5000 + index))
      #expect(rig.take(try first.seal(.opus, packet, timestamp: 0), from: source).talker == TalkerID(1))
      #expect(rig.take(try second.seal(.opus, packet, timestamp: 0), from: source).talker == TalkerID(2))
    }
    #expect(rig.take(late, from: client(4000)).opus == packet)
    #expect(rig.facts(1).source == client(5019) && rig.facts(1).moves == 19 && !rig.facts(1).isMuted)
  }

  @Test func refusals() throws {
    let rig = DoorRig()
    try rig.open(1, .ours(7), hosts: ["192.0.2.9"])
    var sealer = try SealedMicSealer(key: .test(7), session: 7)
    let datagram = try sealer.seal(.opus, [0x48, 1, 2], timestamp: 0)
    func reason(_ datagram: [UInt8], _ source: MicSource = client(5000)) -> MicRefusal? {
      if case .refused(let reason, _) = rig.take(datagram, from: source) { reason } else { nil }
    }
    #expect(reason(datagram, client(5000, at: "192.0.2.8")) == .wrongHost)
    for index in datagram.indices {
      var forged = datagram
      forged[index] ^= 0x10
      #expect(reason(forged) != nil, "\(index)")
    }
    #expect(rig.facts(1).refused[.forged] > 20)
    for length in 0..<datagram.count { #expect(reason(Array(datagram[..<length])) != nil) }
    #expect(reason([0xC5] + [UInt8](repeating: 0, count: 65_506)) == .oversize)
    #expect(reason(datagram) == nil)
    #expect(reason(datagram) == .replayed && reason(datagram, client(5001)) == .replayed)
    // Of another session: its number is not known, or the key is wrong.
    var other = try SealedMicSealer(key: .test(9), session: 9)
    #expect(reason(try other.seal(.pause, timestamp: 0)) == .unknownSession)
    var impostor = try SealedMicSealer(key: .test(9), session: 7, counter: 50)
    #expect(reason(try impostor.seal(.pause, timestamp: 0)) == .forged)
    // Authentic, and no Opus all the same.
    #expect(reason(try sealer.seal(.opus, [0x03], timestamp: 0)) == .malformed)
    #expect(rig.facts(1).frames == 1)
  }

  /// A thousand packets out of order are heard; the same again are not.
  @Test func reorderingAndReplay() throws {
    let rig = DoorRig()
    try rig.open(1, .ours(7))
    var sealer = try SealedMicSealer(key: .test(7), session: 7)
    var datagrams = try (0..<1000).map { _ in try sealer.seal(.pause, timestamp: 0) }
    var dice = PacketDice(state: 3)
    for index in datagrams.indices { datagrams.swapAt(index, dice.below(datagrams.count)) }
    for datagram in datagrams {
      #expect(rig.take(datagram, from: client(5000)).frame != nil)
      rig.tick()
    }
    for datagram in datagrams { #expect(rig.take(datagram, from: client(5000)) == .refused(.replayed, TalkerID(1))) }
  }

  @Test func tenTimesTheRate() throws {
    let rig = DoorRig()
    try rig.open(1, .ours(7))
    try rig.open(2, .ours(8))
    var flood = try SealedMicSealer(key: .test(7), session: 7)
    var quiet = try SealedMicSealer(key: .test(8), session: 8)
    var heard = [0, 0]
    for _ in 0..<500 {
      for _ in 0..<10 where rig.take(try flood.seal(.opus, [0x48], timestamp: 0), from: client(1)).frame != nil {
        heard[0] += 1
      }
      if rig.take(try quiet.seal(.opus, [0x48], timestamp: 0), from: client(1)).frame != nil { heard[1] += 1 }
      rig.tick()
    }
    // [0x48] is a frame of 20 ms.
    #expect((650...680).contains(heard[0]) && heard[1] == 500, "\(heard)")
  }
}
