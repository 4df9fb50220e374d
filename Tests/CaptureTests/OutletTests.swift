import AudioCore
import Synchronization
import Testing
import Wire

@testable import Capture

/// Keeps what it is given, in blocks of four.
private final class BlockOutlet: PacketOutlet {
  let block = 4
  let isReady = true
  let kept = Mutex<[(number: Int64, skipped: Int)]>([])
  var phase: Int { kept.withLock { $0.count % 4 } }

  func deliver(_ payload: UnsafeRawBufferPointer?, skipped: FrameCount, capturedAt time: HostTime) {
    kept.withLock { $0.append((time.nanoseconds, skipped.value)) }
  }
}

@Suite struct OutletSlotTests {
  private func facts(_ index: Int64, skipped: Int = 0) -> Reframer.Facts {
    Reframer.Facts(
      position: index * 240, captureTime: HostTime(nanoseconds: index * 5_000_000), isSilence: false,
      skipped: FrameCount(skipped))
  }

  @Test(arguments: 0..<8) func aClientJoinsWhereABlockBegins(at start: Int64) {
    let outlet = BlockOutlet()
    let slot = OutletSlot(outlet, frame: 240)
    slot.follow(1)
    for index in start..<start + 20 { slot.deliver(nil, facts(index), from: 1) }
    let numbers = outlet.kept.withLock { $0.map { $0.number / 5_000_000 } }
    #expect(numbers.first == (start + 3) / 4 * 4)
    #expect(numbers == Array(numbers[0]..<start + 20))
    // What the encoder skipped before is nothing to this client.
    #expect(outlet.kept.withLock { $0.allSatisfy { $0.skipped == 0 } })
  }

  @Test(arguments: 0..<4) func aClientChangesEncodersBetweenBlocks(at turn: Int64) {
    let outlet = BlockOutlet()
    let slot = OutletSlot(outlet, frame: 240)
    slot.follow(1)
    for index in 0..<40 + turn { slot.deliver(nil, facts(index), from: 1) }
    slot.follow(2)
    #expect(!slot.follows(2))
    // Both go on; the new one is half a block out of step, and numbers its own positions.
    for index in 40 + turn..<100 {
      slot.deliver(nil, facts(index), from: 1)
      var other = facts(index)
      other.position = (index + 2) * 240
      slot.deliver(nil, other, from: 2)
    }
    #expect(slot.follows(2))
    let numbers = outlet.kept.withLock { $0.map { $0.number / 5_000_000 } }
    let change = zip(numbers.dropFirst(), numbers).enumerated().filter { $1.0 != $1.1 + 1 }
    #expect(change.count <= 1, "no packet twice, none missing but between the two")
    for (index, pair) in change {
      #expect((index + 1) % 4 == 0)
      #expect(pair.0 > pair.1 && pair.0 - pair.1 <= 4)
    }
    // From then on a block of the client is a block of the encoder.
    #expect(numbers.suffix(20).enumerated().allSatisfy { ($1 + 2) % 4 == Int64((numbers.count - 20 + $0) % 4) })
  }

  /// The other may have nothing yet, and begins between two packets of the one before: no hole and no drift, however often.
  @Test(arguments: 0..<4) func anEncoderIsLeftOnceTheOtherDelivers(apart: Int64) {
    let outlet = BlockOutlet()
    let slot = OutletSlot(outlet, frame: 240)
    slot.follow(0)
    var index = Int64(0)
    for round in 0..<40 {
      let number = { (index: Int64, round: Int) in
        var facts = facts(index)
        facts.position = (index + Int64(round) * apart) * 240
        // Each cuts its packets 2 ms later than the one before.
        facts.captureTime = facts.captureTime + .milliseconds(Int64(round) * 2)
        return facts
      }
      for _ in 0..<20 {
        slot.deliver(nil, number(index, round), from: round)
        index += 1
      }
      slot.follow(round + 1)
      let before = outlet.kept.withLock { $0.count }
      for _ in 0..<12 {
        slot.deliver(nil, number(index, round), from: round)
        index += 1
      }
      #expect(outlet.kept.withLock { $0.count } == before + 12, "left for one that says nothing")
      while !slot.follows(round + 1) {
        slot.deliver(nil, number(index, round), from: round)
        slot.deliver(nil, number(index, round + 1), from: round + 1)
        index += 1
      }
    }
    let kept = outlet.kept.withLock { $0 }
    let numbers = kept.count + kept.reduce(0) { $0 + $1.skipped } / 240
    #expect(kept.allSatisfy { $0.skipped % 960 == 0 })
    // What was sent and what was skipped is as long as what has passed, give or take half a block.
    let passed = Int(kept[kept.count - 1].number / 5_000_000) + 1
    #expect(abs(numbers - passed) <= 2, "\(numbers) packets for \(passed)")
    #expect(zip(kept.dropFirst(), kept).allSatisfy { $0.number > $1.number && $0.number - $1.number <= 30_000_000 })
  }

  /// Before it has left it comes back: it is listened to as before.
  @Test func anEncoderThatIsCalledBackIsNotLeft() {
    let outlet = BlockOutlet()
    let slot = OutletSlot(outlet, frame: 240)
    slot.follow(1)
    for index in 0..<8 { slot.deliver(nil, facts(Int64(index)), from: 1) }
    slot.follow(2)
    slot.follow(1)
    for index in 8..<16 {
      slot.deliver(nil, facts(Int64(index)), from: 1)
      slot.deliver(nil, facts(Int64(index)), from: 2)
    }
    #expect(slot.follows(1))
    #expect(outlet.kept.withLock { $0.map { $0.number / 5_000_000 } } == Array(0..<16))
  }

  @Test func strangersAreNotHeard() {
    let outlet = BlockOutlet()
    let slot = OutletSlot(outlet, frame: 240)
    slot.follow(1)
    for index in 0..<20 { slot.deliver(nil, facts(Int64(index)), from: 7) }
    #expect(outlet.kept.withLock { $0.isEmpty })
  }

  @Test func whatTheEncoderSkipsIsPassedOn() {
    let outlet = BlockOutlet()
    let slot = OutletSlot(outlet, frame: 240)
    slot.follow(1)
    for index in 0..<8 { slot.deliver(nil, facts(Int64(index)), from: 1) }
    slot.deliver(nil, facts(16, skipped: 8 * 240), from: 1)
    #expect(outlet.kept.withLock { $0.last?.skipped } == 8 * 240)
  }
}

@Suite struct PingPolicyTests {
  private let payload = GameStreamPingPayload("0123456789ABCDEF")!
  private let home = PeerAddress(bytes: [192, 168, 1, 5], port: 5000)
  private let moved = PeerAddress(bytes: [192, 168, 1, 5], port: 6000)
  private let stranger = PeerAddress(bytes: [10, 0, 0, 9], port: 5000)
  private func at(_ milliseconds: Int64) -> HostTime { HostTime(nanoseconds: 0) + .milliseconds(milliseconds) }

  private func numbered(_ counter: UInt32, _ other: String? = nil) -> GameStreamPing {
    .current(other.map { GameStreamPingPayload($0)! } ?? payload, counter: counter)
  }

  @Test func payloadAndRisingCounterAreFollowed() {
    var policy = PingPolicy(.init(payload: payload, allowsLegacy: false, host: nil))
    #expect(policy.take(numbered(1), from: home, at: at(0)) == .moved)
    #expect(policy.take(numbered(2), from: home, at: at(500)) == .heard)
    #expect(policy.take(numbered(3), from: moved, at: at(1000)) == .moved)
    #expect(policy.take(numbered(4), from: stranger, at: at(1500)) == .moved, "another network")
    #expect(policy.peer == stranger && policy.moves == 2 && policy.pings == 4)
  }

  @Test func copiesAndStrangersMoveNothing() {
    var policy = PingPolicy(.init(payload: payload, allowsLegacy: true, host: home))
    #expect(policy.take(numbered(9), from: home, at: at(0)) == .moved)
    #expect(policy.take(numbered(9), from: stranger, at: at(1)) == .ignored)
    #expect(policy.take(numbered(3), from: stranger, at: at(2)) == .ignored)
    #expect(policy.take(numbered(1_000_000), from: stranger, at: at(2)) == .ignored, "it would shut the client out")
    #expect(policy.take(numbered(10, "0123456789ABCDEX"), from: stranger, at: at(3)) == .ignored)
    #expect(policy.take(.legacy, from: moved, at: at(60_000)) == .ignored, "this client numbers its pings")
    #expect(policy.peer == home && policy.ignored == 5)
  }

  @Test func theCounterWraps() {
    var policy = PingPolicy(.init(payload: payload, allowsLegacy: false, host: nil))
    _ = policy.take(numbered(.max), from: home, at: at(0))
    #expect(policy.take(numbered(0), from: moved, at: at(500)) == .moved)
  }

  @Test func barePingsNameOneHostOnce() {
    var policy = PingPolicy(.init(payload: nil, allowsLegacy: true, host: PeerAddress(literal: "192.168.1.5")))
    #expect(policy.take(.legacy, from: stranger, at: at(0)) == .ignored)
    #expect(policy.take(.legacy, from: home, at: at(0)) == .moved)
    #expect(policy.take(.legacy, from: moved, at: at(100)) == .ignored, "the client is still at its place")
    #expect(policy.take(.legacy, from: home, at: at(500)) == .heard)
    #expect(policy.take(.legacy, from: moved, at: at(2200)) == .moved, "three pings were missed there")
    #expect(policy.take(numbered(1), from: home, at: at(2300)) == .ignored)
  }

  @Test func barePingsCanBeForbidden() {
    var policy = PingPolicy(.init(payload: payload, allowsLegacy: false, host: nil))
    #expect(policy.take(.legacy, from: home, at: at(0)) == .ignored)
  }

  @Test func mappedAddressesAreTheSameHost() {
    let mapped = PeerAddress(bytes: [UInt8](repeating: 0, count: 10) + [255, 255, 192, 168, 1, 5], port: 5000)
    #expect(mapped == home && "\(mapped)" == "192.168.1.5:5000")
    #expect(PeerAddress(literal: "::1")!.bytes.count == 16)
    #expect(PeerAddress(literal: "example.org") == nil)
  }
}
