import AudioCore
import Testing

@testable import VirtualMic
@testable import Wire

@Suite struct PlaintextDoorTests {
  private static let name = "0123456789ABCDEF"

  private func ping(_ name: String = name, _ counter: UInt32 = 1) -> [UInt8] {
    let ping = GameStreamPing.current(GameStreamPingPayload(name)!, counter: counter)
    var datagram = [UInt8](repeating: 0, count: ping.length)
    datagram.withUnsafeMutableBytes { ping.write(into: $0) }
    return datagram
  }

  private func heard(_ rig: DoorRig, _ sender: inout GameStreamMicSender, _ source: MicSource) throws -> Int {
    var heard = 0
    for packet in try voicePackets(20) {
      if rig.take(try sender.next(packet), from: source).opus == packet { heard += 1 }
      rig.tick()
    }
    return heard
  }

  @Test func refusedByDefault() throws {
    let rig = DoorRig()
    try rig.open(1, .game(1))
    var sender = try GameStreamMicSender.test(nil)
    var lengths: Set<MicRefusal> = []
    for packet in try voicePackets(100) {
      guard case .refused(let reason, _) = rig.take(try sender.next(packet), from: client(5000)) else {
        Issue.record("heard")
        continue
      }
      lengths.insert(reason)
      // Whole blocks could be ciphertext of another key.
      #expect(packet.count % 16 == 0 || reason == .plaintext)
    }
    #expect(lengths.contains(.plaintext))
  }

  @Test func takenFromTheHostsOfTheSession() throws {
    let rig = DoorRig()
    try rig.open(1, .game(1, plaintext: true), hosts: ["192.0.2.9"])
    var sender = try GameStreamMicSender.test(nil)
    #expect(try heard(rig, &sender, client(5000)) == 18)
    #expect(rig.facts(1).isPlaintext)
    #expect(try heard(rig, &sender, client(5000, at: "192.0.2.10")) == 0)
    // The same client may encrypt after all.
    var sealed = try GameStreamMicSender.test(1, sequence: sender.sequence)
    #expect(try heard(rig, &sealed, client(5000)) == 20)
    #expect(!rig.facts(1).isPlaintext)
  }

  @Test func aPingNamesTheClient() throws {
    let rig = DoorRig()
    try rig.open(1, .open(ping: Self.name))
    try rig.open(2, .open(ping: "FEDCBA9876543210"))
    var first = try GameStreamMicSender.test(nil)
    var second = try GameStreamMicSender.test(nil)
    #expect(try heard(rig, &first, client(5000)) == 0)
    #expect(rig.take(ping(), from: client(5000)) == .ping(TalkerID(1)))
    #expect(rig.take(ping("FEDCBA9876543210"), from: client(5001)) == .ping(TalkerID(2)))
    #expect(rig.take(ping("________________"), from: client(5002)) == .ping(nil))
    #expect(rig.take(Array("PING".utf8), from: client(5000)) == .ping(nil))
    #expect(try heard(rig, &first, client(5000)) == 18)
    #expect(try heard(rig, &second, client(5001)) == 18)
    #expect(try heard(rig, &second, client(5002)) == 0)
    #expect(rig.facts(1).pings == 1 && rig.door.facts.namelessPings == 2)
  }

  /// Of two clients without a key or ping at one address nobody knows whose it is.
  @Test func twoThatCannotBeToldApart() throws {
    let rig = DoorRig()
    try rig.open(1, .open(), hosts: ["192.0.2.9"])
    try rig.open(2, .game(2, plaintext: true), hosts: ["192.0.2.9"])
    var sender = try GameStreamMicSender.test(nil)
    #expect(try heard(rig, &sender, client(5000)) == 0)
    rig.door.close(TalkerID(2))
    #expect(try heard(rig, &sender, client(5000)) == 18)
  }

  @Test func pingsOfKeyedClientsMoveNothing() throws {
    let rig = DoorRig()
    try rig.open(1, .game(1, ping: Self.name))
    var sender = try GameStreamMicSender.test(1)
    #expect(try heard(rig, &sender, client(5000)) == 18)
    #expect(rig.take(ping(), from: client(6000)) == .ping(TalkerID(1)))
    #expect(rig.facts(1).source == client(5000))
    var stranger = try GameStreamMicSender.test(3)
    #expect(try heard(rig, &stranger, client(6000)) == 0)
    #expect(try heard(rig, &sender, client(5000)) == 20)
  }

  @Test func junkIsNotSound() throws {
    let rig = DoorRig()
    try rig.open(1, .open(), hosts: ["192.0.2.9"])
    var sender = try GameStreamMicSender.test(nil)
    for _ in 0..<10 {
      #expect(rig.take(try sender.next([0, 0, 0, 0, 1, 2]), from: client(5000)).frame == nil)
      #expect(rig.take(try sender.next([255, 255, 255, 255, 1, 2]), from: client(5000)).frame == nil)
    }
  }

  @Test func termsThatCannotBe() throws {
    let rig = DoorRig()
    #expect(throws: MicDoorError.plaintextFromAnybody) { try rig.open(1, .open()) }
    #expect(throws: MicDoorError.nothingAllowed) {
      try rig.open(1, .gameStream(MicTerms.GameStream(key: nil)))
    }
    try rig.open(1, .ours(7))
    #expect(throws: MicDoorError.talkerTaken) { try rig.open(1, .ours(8)) }
    #expect(throws: MicDoorError.sessionTaken) { try rig.open(2, .ours(7)) }
    for number in 2...MicDoor.sessionLimit { try rig.open(UInt32(number), .ours(UInt32(number + 100))) }
    #expect(throws: MicDoorError.tooManySessions) { try rig.open(99, .game(1)) }
  }
}
