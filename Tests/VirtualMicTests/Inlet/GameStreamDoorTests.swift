import AudioCore
import Testing

@testable import VirtualMic
@testable import Wire

@Suite struct GameStreamDoorTests {
  private func talker(_ number: UInt32) -> TalkerID { TalkerID(number) }

  /// Both forms, both paddings: what arrives is what was sent, but for the first two packets of a new address, and for
  /// the few that show the padding.
  @Test(arguments: GameStreamMicHeader.Form.allCases, GameStreamMicSender.Padding.allCases)
  func formsAndPaddings(_ form: GameStreamMicHeader.Form, _ padding: GameStreamMicSender.Padding) throws {
    let rig = DoorRig()
    try rig.open(1, .game(1))
    var sender = try GameStreamMicSender.test(1, form: form, padding: padding, sequence: 65_500)
    for (index, packet) in try voicePackets(100).enumerated() {
      let sequence = sender.sequence
      let entry = rig.take(try sender.next(packet), from: client(5000))
      rig.tick()
      guard index >= 2 else {
        #expect(entry == .waiting(talker(1)))
        continue
      }
      let frame = try #require(entry.frame)
      #expect(entry.talker == talker(1) && frame.sequence == sequence)
      if index >= 12 { #expect(entry.opus == packet) }
      if sequence > 65_500 { #expect(frame.timestamp == UInt32(sequence) * 960) }
    }
    #expect(rig.facts(1).frames == 98 && rig.facts(1).waiting == 2)
    #expect(rig.facts(1).padsTwice == (padding == .double))
    #expect(rig.facts(1).refused.total == 0 && rig.door.facts.refused.total == 0)
  }

  /// Two clients behind one NAT, packets interleaved; then their ports change hands.
  @Test func clientsBehindOneAddress() throws {
    let rig = DoorRig()
    try rig.open(1, .game(1))
    try rig.open(2, .game(2))
    var first = try GameStreamMicSender.test(1)
    var second = try GameStreamMicSender.test(2, form: .packed, padding: .double)
    let packets = try voicePackets(150)
    var heard = [0, 0]
    for (index, packet) in packets.enumerated() {
      for who in 0...1 {
        // From packet 100 on each sends from where the other did.
        let port: UInt16 = (who == 0) == (index < 100) ? 5000 : 5001
        let datagram = who == 0 ? try first.next(packet) : try second.next(packet)
        let entry = rig.take(datagram, from: client(port))
        // Never the other's, whatever else.
        if let talker = entry.talker { #expect(talker.number == UInt32(who + 1) || entry.frame == nil) }
        if entry.frame != nil { heard[who] += 1 }
      }
      rig.tick()
    }
    #expect(heard == [146, 146])
    #expect(rig.facts(1).refused.total == 0 && rig.facts(2).refused.total == 0)
    #expect(rig.facts(1).moves == 1 && rig.facts(1).source == client(5001))
  }

  /// A client that moves is heard after two packets; an old address keeps working.
  @Test func addressesChange() throws {
    let rig = DoorRig()
    try rig.open(1, .game(1))
    var sender = try GameStreamMicSender.test(1)
    var heard = 0
    let packets = try voicePackets(60)
    for (index, packet) in packets.enumerated() {
      let port: UInt16 = index < 20 ? 5000 : index < 40 ? 6000 : 5000
      if rig.take(try sender.next(packet), from: client(port)).frame != nil { heard += 1 }
      rig.tick()
    }
    #expect(heard == 56 && rig.facts(1).moves == 2)
  }

  @Test func aWrongKeyMovesNothing() throws {
    let rig = DoorRig()
    try rig.open(1, .game(1))
    var right = try GameStreamMicSender.test(1)
    var wrong = try GameStreamMicSender.test(9)
    let packets = try voicePackets(2000)
    var heard = 0
    var refused = 0
    for packet in packets {
      if rig.take(try right.next(packet), from: client(5000)).opus == packet { heard += 1 }
      // In the client's own name, and in one of its own.
      for port in [5000, 6000] as [UInt16] {
        if case .refused = rig.take(try wrong.next(packet), from: client(port)) { refused += 1 }
      }
      rig.tick()
    }
    #expect(heard >= 1998 - 20, "\(heard)")
    // One in some hundreds decrypts to something by chance; from a strange address it is never heard.
    #expect(refused > 3900, "\(refused)")
    #expect(rig.facts(1).source == client(5000) && rig.facts(1).moves == 0)
    #expect(rig.facts(1).refused[.forged] > 1900 && rig.door.facts.refused[.unknownSession] > 1900)
    // Neither is it with nobody else about.
    let alone = DoorRig()
    try alone.open(1, .game(1))
    for packet in packets {
      let entry = alone.take(try wrong.next(packet), from: client(6000))
      #expect(entry.frame == nil)
      alone.tick()
    }
  }

  /// Random bytes in the name of a client: how much reaches the decoder.
  @Test func junkUnderAKnownAddress() throws {
    let rig = DoorRig()
    try rig.open(1, .game(1))
    var sender = try GameStreamMicSender.test(1)
    for packet in try voicePackets(3) {
      _ = rig.take(try sender.next(packet), from: client(5000))
      rig.tick()
    }
    var dice = PacketDice(state: 4)
    var passed = 0
    var sequence = sender.sequence
    for _ in 0..<20_000 {
      let header = GameStreamMicHeader(sequence: sequence, milliseconds: UInt32(sequence) * 20)
      var datagram = [UInt8](repeating: 0, count: 12) + dice.bytes(16 * (1 + dice.below(12)))
      datagram.withUnsafeMutableBytes { header.write(into: $0) }
      let entry = rig.take(datagram, from: client(5000))
      if let opus = entry.opus {
        passed += 1
        #expect(opus.withUnsafeBytes { GameStreamLine.isSane($0) })
      }
      sequence &+= 1
      rig.tick()
    }
    // Valid padding is 1 in 256; that the rest is Opus halves it at least.
    #expect(passed > 0 && passed < 20_000 / 256, "\(passed)")
  }

  @Test func copiesAndNewStarts() throws {
    let rig = DoorRig()
    try rig.open(1, .game(1))
    var sender = try GameStreamMicSender.test(1)
    let packets = try voicePackets(200)
    let datagrams = try packets[..<100].map { try sender.next($0) }
    for (index, datagram) in datagrams.enumerated() {
      _ = rig.take(datagram, from: client(5000))
      // Every packet again, from here and from elsewhere.
      #expect(rig.take(datagram, from: client(5000)).frame == nil)
      if index > 50 { #expect(rig.take(datagrams[index - 50], from: client(6666)).frame == nil) }
      rig.tick()
    }
    #expect(rig.facts(1).frames == 98 && rig.facts(1).refused[.replayed] > 97)
    #expect(rig.facts(1).source == client(5000))
    // The microphone is toggled: numbers and times begin again.
    rig.tick(1000)
    var again = try GameStreamMicSender.test(1)
    let heard = try packets[100...].filter { packet in
      defer { rig.tick() }
      return rig.take(try again.next(packet), from: client(5000)).opus == packet
    }
    #expect(heard.count == 98 && rig.facts(1).restarts == 1)
  }

  /// Ten times too much is cut to what a sender can say, and the other client does not notice.
  @Test func tenTimesTheRate() throws {
    let rig = DoorRig()
    try rig.open(1, .game(1))
    try rig.open(2, .game(2))
    var flood = try GameStreamMicSender.test(1)
    var quiet = try GameStreamMicSender.test(2)
    var heard = [0, 0]
    for packet in try voicePackets(500) {
      for _ in 0..<10 where rig.take(try flood.next(packet), from: client(5000)).frame != nil { heard[0] += 1 }
      if rig.take(try quiet.next(packet), from: client(5001)).frame != nil { heard[1] += 1 }
      rig.tick()
    }
    // Ten seconds and a quarter, and the second in advance.
    #expect((650...680).contains(heard[0]), "\(heard[0])")
    #expect(heard[1] == 498 && rig.facts(2).refused.total == 0)
    #expect(rig.facts(1).refused[.rate] > 4000)
  }

  /// Junk from many addresses costs only so much work, and known clients none of theirs.
  @Test func floodOfUnknowns() throws {
    let rig = DoorRig()
    for number in 1...8 { try rig.open(UInt32(number), .game(UInt8(number))) }
    var sender = try GameStreamMicSender.test(3)
    var dice = PacketDice(state: 8)
    let packets = try voicePackets(100)
    var heard = 0
    for packet in packets {
      for _ in 0..<200 {
        rig.now = rig.now + .microseconds(100)
        var datagram = dice.bytes(76)
        datagram[0] = 0
        datagram[1] = 0x61
        _ = rig.take(datagram, from: client(UInt16(dice.below(65_536)), at: "198.51.100.\(dice.below(256))"))
      }
      if rig.take(try sender.next(packet), from: client(5000)).opus == packet { heard += 1 }
    }
    // Its first packet has to get through among a thousand; then it is expected.
    #expect(heard > 80, "\(heard)")
    #expect(rig.door.facts.refused[.rate] > 15_000)
    // An address that a session names needs no luck. The clock stands, so it is heard for a second in advance.
    try rig.open(20, .game(20), hosts: ["203.0.113.1"])
    var named = try GameStreamMicSender.test(20)
    heard = 0
    for packet in packets {
      for _ in 0..<20 {
        _ = rig.take([0, 0x61] + dice.bytes(74), from: client(UInt16(dice.below(65_536)), at: "198.51.100.1"))
      }
      if rig.take(try named.next(packet), from: client(5000, at: "203.0.113.1")).opus == packet { heard += 1 }
    }
    #expect(heard == 50, "\(heard)")
  }

  @Test func hosts() throws {
    let rig = DoorRig()
    try rig.open(1, .game(1), hosts: ["192.0.2.9"])
    var sender = try GameStreamMicSender.test(1)
    for packet in try voicePackets(10) {
      #expect(rig.take(try sender.next(packet), from: client(5000, at: "192.0.2.8")) == .refused(.wrongHost, nil))
    }
    var heard = 0
    for packet in try voicePackets(10) where rig.take(try sender.next(packet), from: client(5000)).frame != nil {
      heard += 1
    }
    #expect(heard == 8)
    rig.door.close(talker(1))
    #expect(rig.take(try sender.next([0x48, 1]), from: client(5000)) == .refused(.unknownSession, nil))
    #expect(rig.door.isEmpty && rig.door.sessionFacts(of: talker(1)) == nil)
  }

  @Test func refusedDatagrams() throws {
    let rig = DoorRig()
    try rig.open(1, .game(1))
    var sender = try GameStreamMicSender.test(1)
    let good = try voicePackets(5)
    for packet in good { _ = rig.take(try sender.next(packet), from: client(5000)) }
    let datagram = try sender.next(good[0])
    func reason(_ datagram: [UInt8]) -> MicRefusal? {
      if case .refused(let reason, _) = rig.take(datagram, from: client(5000)) { reason } else { nil }
    }
    #expect(reason([UInt8](repeating: 0, count: 65_507)) == .oversize)
    #expect(reason(datagram + [UInt8](repeating: 0, count: 1400)) == .oversize)
    #expect(reason([]) == .truncated && reason([0]) == .truncated)
    for length in 3...12 { #expect(reason(Array(datagram[..<length])) == .truncated, "\(length)") }
    // Cut between blocks it has another end, which is padding by chance only.
    for length in 13..<datagram.count where (length - 12) % 16 != 0 {
      let reason = reason(Array(datagram[..<length]))
      #expect(reason == .truncated || reason == .plaintext, "\(length)")
    }
    #expect(reason([UInt8](repeating: 0x20, count: 100)) == .notOurs)
    #expect(rig.take(datagram, from: client(5000)).opus == good[0])
  }
}
