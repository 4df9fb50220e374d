import AudioCore
import AudioIO
import Synchronization
import Testing

@testable import VirtualMic

/// The pump in virtual time: one talker, one device.
@Suite struct PumpTests {
  @Test func opensWithoutAWordAndWithTheExactLaw() {
    let world = PumpWorld()
    world.system.isUp = false
    world.run(to: 200)
    #expect(world.system.openSeconds == [0, 2, 6, 14, 30, 62, 122, 182])
    let told = world.events.compactMap { if case .unavailable(_, _, let count) = $0.event { count } else { nil } }
    #expect(told == [1, 2, 4, 8])
    #expect(world.device()?.state(at: world.now) == .degraded(.unavailable(.serverUnavailable)))
    #expect(world.device()?.attempts == 8)
    world.system.isUp = true
    world.run(to: 242)
    #expect(world.system.openSeconds.last == 242)
    #expect(world.device()?.state(at: world.now) == .idle)
    #expect(world.events.last?.event == .opened(PumpWorld.shared))
  }

  @Test func decodesAndPushesInTheSameStep() throws {
    let world = PumpWorld()
    world.step()
    for packet in try micPackets(3) {
      world.say(.opus(packet))
      world.system.now = world.now + .milliseconds(20)
    }
    #expect(world.system.device?.pushed == 3 * 1920)
    #expect(world.system.device?.discards == 0)
    #expect(world.device()?.state(at: world.now) == .live)
    #expect(world.report().frames == 3)
  }

  @Test func aDeathWhileIdleIsNoticedAtTheHeartbeat() {
    let world = PumpWorld()
    world.run(to: 10.3)
    #expect(world.system.device?.probes == 10)
    world.system.device?.die()
    world.run(to: 10.999)
    #expect(world.system.opens.count == 1)
    world.run(to: 11)
    #expect(world.system.openSeconds == [0, 11])
    let told = world.events.map(\.event)
    #expect(
      told == [
        .opened(PumpWorld.shared), .died(PumpWorld.shared, cause: .heartbeat, lived: .seconds(11)),
        .reopened(PumpWorld.shared, after: .zero),
      ])
    #expect(world.device()?.deaths == 1)
  }

  /// The seed of this pump asked only while no frames came; a talker that sends pauses must not hide a death.
  @Test func pausesAndJunkDoNotPutTheHeartbeatOff() {
    let world = PumpWorld()
    world.run(to: 6)
    world.system.device?.die()
    for step in 1...60 {
      world.run(to: 6 + Double(step) * 0.02)
      world.say(step % 2 == 0 ? .pause : .opus(junk))
    }
    #expect(world.system.openSeconds == [0, 7])
  }

  @Test func aDeathFoundByAPushReopensAtOnce() throws {
    let world = PumpWorld()
    let packets = try micPackets(2)
    world.run(to: 20.5)
    world.system.device?.die()
    world.say(.opus(packets[0]))
    #expect(world.system.openSeconds == [0, 20.5])
    #expect(world.system.devices.first?.pushedAfterDeath == 0)
    world.say(.opus(packets[1]))
    #expect(world.system.device?.pushed == 1920)
    let died = MicEvent.died(PumpWorld.shared, cause: .push, lived: .milliseconds(20_500))
    #expect(world.events.contains { $0.event == died })
  }

  @Test(arguments: [(4.999, 6.999), (5.0, 5.0)])
  func triageOfADeath(death: Double, reopens: Double) throws {
    let packets = try micPackets(2)
    let world = PumpWorld()
    world.run(to: death)
    world.system.device?.die()
    world.say(.opus(packets[0]))
    world.run(to: 30)
    #expect(world.system.openSeconds == [0, reopens])
  }

  @Test func bornDeadBacksOffInsteadOfChurning() {
    let world = PumpWorld()
    world.system.bearDead()
    world.run(to: 200)
    // Each one is noticed a heartbeat after it opened.
    #expect(world.system.openSeconds == [0, 3, 8, 17, 34, 67, 128, 189])
    let deaths = world.events.count { if case .died = $0.event { true } else { false } }
    #expect(deaths == 4, "the 1st, 2nd, 4th and 8th are told")
    #expect(world.device()?.deaths == 8)
  }

  @Test func aReturnedServerIsHeardOfBeforeTheLongWaitEnds() {
    let world = PumpWorld()
    world.system.isUp = false
    world.run(to: 63)
    world.system.isUp = true
    world.run(to: 70)
    #expect(world.system.opens.count == 6)
    world.pump.serverReturned()
    world.step()
    #expect(world.system.openSeconds.last == 70)
    #expect(world.device()?.isOpen == true)
  }

  @Test func reopenedTellsHowLongItWasGone() {
    let world = PumpWorld()
    world.run(to: 10)
    world.system.isUp = false
    world.system.device?.die()
    world.run(to: 11.5)
    world.system.isUp = true
    world.run(to: 20)
    #expect(world.system.openSeconds == [0, 11, 13])
    #expect(world.events.last?.event == .reopened(PumpWorld.shared, after: .seconds(2)))
  }

  @Test func aGapIsDiscardedBeyondTheLimitAndBeforeTheSound() throws {
    let world = PumpWorld()
    let packets = try micPackets(3)
    world.run(to: 1)
    world.say(.opus(packets[0]))
    world.run(to: 1.6)
    world.say(.opus(packets[1]))
    #expect(world.system.device?.discards == 0)
    world.run(to: 2.201)
    // Neither a pause nor junk is sound: the gap goes on.
    world.say(.pause)
    world.say(.opus(junk))
    #expect(world.system.device?.discards == 0)
    world.say(.opus(packets[2]))
    let calls = try #require(world.system.device?.calls)
    let kinds = calls.map { if case .push = $0 { "push" } else if case .discard = $0 { "discard" } else { "open" } }
    #expect(kinds == ["open", "push", "push", "discard", "push"])
  }

  @Test func closedTheQueueNeverFillsAndNothingIsDecoded() throws {
    let voices = Mutex(0)
    let world = PumpWorld { _ in
      voices.withLock { $0 += 1 }
      return DirectVoice()
    }
    world.system.isUp = false
    let packet = try micPackets(1)[0]
    for step in 0..<500 {
      world.run(to: Double(step) * 0.02)
      #expect(world.say(.opus(packet)) == .taken)
      #expect(world.pump.queue.count == 0)
    }
    #expect(world.report().undelivered == 500 && world.report().frames == 0)
    #expect(world.pump.report.dropped == 0)
    #expect(voices.withLock { $0 } == 0)
  }

  @Test func whatCameWhileOpeningIsNotHeard() throws {
    let world = PumpWorld()
    let packets = try micPackets(4)
    world.system.openTakes(.milliseconds(300))
    world.say(.opus(packets[0]), stepping: false)
    #expect(world.pump.step(now: world.now) == .wait(until: .at(0)))
    #expect(world.now == .at(0.3))
    // Arrived during the attempt, by its time.
    world.sender?.offer(.opus(packets[1]), of: PumpWorld.talker, at: .at(0.2))
    world.step()
    #expect(world.device()?.isOpen == true)
    #expect(world.system.device?.pushed == 0 && world.report().undelivered == 2)
    world.say(.opus(packets[2]))
    #expect(world.system.device?.pushed == 1920)
  }

  @Test func sendersOutliveReopens() throws {
    let world = PumpWorld()
    let packets = try micPackets(20)
    let copy = world.sender
    for (index, packet) in packets.enumerated() {
      world.run(to: Double(index) * 12)
      #expect(copy?.offer(.opus(packet), of: PumpWorld.talker, at: world.now) == .taken)
      world.step()
      #expect(world.system.device?.pushed == 1920)
      world.system.device?.die()
    }
    world.run(to: 240)
    #expect(world.system.devices.count == 21)
  }

  @Test func endsWithTheLastSenderAndAfterTheLastFrame() throws {
    let world = PumpWorld()
    let packet = try micPackets(1)[0]
    world.step()
    var copy = world.sender
    world.sender = nil
    world.run(to: 5)
    #expect(!world.finished)
    copy?.offer(.opus(packet), of: PumpWorld.talker, at: world.now)
    copy = nil
    world.step()
    #expect(world.finished)
    #expect(world.system.device?.pushed == 1920)
    #expect(world.pump.step(now: world.now) == .finished)
    #expect(world.device()?.isOpen == false)
  }

  @Test func endsWhileClosedWithoutAnotherAttempt() {
    let world = PumpWorld()
    world.system.isUp = false
    world.run(to: 7)
    world.sender = nil
    // Even when the next attempt is due by now.
    world.system.now = .at(14)
    world.step()
    #expect(world.finished && world.system.opens.count == 3)
  }

  @Test func theDeviceIsLetGoAtTheEndAndAtRemoval() throws {
    final class Witness: VirtualMicrophone {
      let channels = 2
      let isAlive = true
      func push(_ samples: UnsafeBufferPointer<Float>) -> Bool { true }
      func discard() {}
      let gone: @Sendable () -> Void
      init(_ gone: @escaping @Sendable () -> Void) { self.gone = gone }
      deinit { gone() }
    }
    final class Count: Sendable { let value = Mutex(0) }
    let gone = Count()
    let world = PumpWorld()
    let names = [MicDeviceID("a"), MicDeviceID("b")]
    for name in names {
      world.pump.add(name, for: .everyone) { Witness { gone.value.withLock { $0 += 1 } } }
    }
    world.run(to: 1)
    #expect(gone.value.withLock { $0 } == 0)
    world.pump.remove(names[0])
    world.step()
    #expect(gone.value.withLock { $0 } == 1)
    world.sender = nil
    world.step()
    #expect(gone.value.withLock { $0 } == 2)
  }

  @Test func aDeviceOfManyChannelsIsRefused() {
    let world = PumpWorld(FakeSystem(channels: 6))
    world.run(to: 3)
    #expect(world.system.openSeconds == [0, 2])
    #expect(world.device()?.state(at: world.now) == .degraded(.unavailable(.unsupportedFormat)))
  }

  @Test func eventsAreBoundedWhenNobodyAsks() {
    let world = PumpWorld()
    var now = HostTime.at(0)
    for _ in 0..<2000 {
      _ = world.pump.step(now: now)
      world.system.device?.die()
      now = now + .seconds(6)
      // Dead after a good life each time: two events.
      _ = world.pump.step(now: now)
    }
    #expect(world.pump.takeEvents().count == MicPump.eventLimit)
  }
}
