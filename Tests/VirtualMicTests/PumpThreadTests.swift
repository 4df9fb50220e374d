import AudioCore
import AudioIO
import Glibc
import Synchronization
import Testing
import Wiring

@testable import VirtualMic

/// The real thread with a tuning of milliseconds. What is measured is what happens, never how fast.
@Suite(.serialized) struct PumpThreadTests {
  /// A pump on its thread, with a system of pretended devices.
  final class Running {
    let system = FakeSystem()
    let pump: MicPump
    let thread: MicThread
    let talker = TalkerID(1)
    var sender: MicSender?
    private final class Heard: Sendable { let events = Mutex<[MicEvent]>([]) }
    private let heard = Heard()

    init(stableAfter: HostDuration = .zero, prepare: (FakeSystem) -> Void = { _ in }) throws {
      prepare(system)
      let (queue, sender) = FrameQueue.open()
      self.sender = sender
      pump = MicPump(
        queue,
        tuning: PumpTuning(
          backoffStart: .milliseconds(10), backoffCap: .milliseconds(40), heartbeat: .milliseconds(20),
          staleGap: .milliseconds(80), stableAfter: stableAfter)
      ) { _ in DirectVoice() }
      pump.add(MicDeviceID("mic"), for: .everyone, opener: system.opener)
      pump.admit(talker)
      thread = try MicThread(pump: pump) { [heard] events in heard.events.withLock { $0 += events } }
    }

    var events: [MicEvent] { heard.events.withLock { $0 } }
    var isOpen: Bool { pump.report.devices.first?.isOpen == true }
    /// Says something; it arrives when it is offered.
    func say(_ packet: [UInt8]) { sender?.offer(.opus(packet), of: talker, at: renderNow()) }

    /// Lets the last sender go and sees the thread end by that alone.
    func end() {
      sender = nil
      #expect(eventually("the end") { thread.hasEnded })
      thread.stop()
    }
  }

  /// Waits up to twenty seconds of whatever machine this is.
  static func eventually(_ what: Comment, _ condition: () -> Bool) -> Bool {
    for _ in 0..<4000 {
      if condition() { return true }
      usleep(5000)
    }
    Issue.record("never: \(what)")
    return false
  }

  @Test func opensEagerlyAfterFailures() throws {
    let running = try Running { $0.failFirst(3) }
    #expect(Self.eventually("open") { running.isOpen })
    #expect(running.system.opens.map(\.worked) == [false, false, false, true])
    running.end()
  }

  @Test func decodesAndPushes() throws {
    let running = try Running()
    #expect(Self.eventually("open") { running.isOpen })
    running.say(try micPackets(1)[0])
    #expect(Self.eventually("sound") { (running.system.device?.pushed ?? 0) == 1920 })
    running.end()
  }

  @Test func reopensAfterADeathWhileIdle() throws {
    let running = try Running()
    #expect(Self.eventually("open") { running.isOpen })
    running.system.device?.die()
    #expect(Self.eventually("another") { running.system.devices.count == 2 && running.isOpen })
    #expect(Self.eventually("news") { running.events.count == 3 })
    let isDeath = if case .died(_, cause: .heartbeat, _) = running.events[1] { true } else { false }
    #expect(isDeath, "\(running.events)")
    running.end()
  }

  @Test func reopensAfterADeathFoundByAPush() throws {
    let running = try Running()
    let packets = try micPackets(2)
    #expect(Self.eventually("open") { running.isOpen })
    running.system.device?.die()
    running.say(packets[0])
    #expect(Self.eventually("another") { running.system.devices.count == 2 && running.isOpen })
    running.say(packets[1])
    #expect(Self.eventually("sound") { (running.system.device?.pushed ?? 0) == 1920 })
    running.end()
  }

  /// Ten opens take at least the waits between them, on any machine.
  @Test func devicesThatDieAtOnceAreNotChurned() throws {
    let start = renderNow()
    let running = try Running(stableAfter: .seconds(1000)) { $0.bearDead() }
    #expect(Self.eventually("ten opens") { running.system.opens.count >= 10 })
    let waits = HostDuration.milliseconds(10 + 20 + 7 * 40)
    #expect(renderNow() - start >= waits)
    running.end()
  }

  @Test func discardsAfterAGap() throws {
    let running = try Running()
    let packets = try micPackets(2)
    #expect(Self.eventually("open") { running.isOpen })
    running.say(packets[0])
    #expect(Self.eventually("sound") { (running.system.device?.pushed ?? 0) == 1920 })
    usleep(100_000)
    running.say(packets[1])
    #expect(Self.eventually("sound again") { (running.system.device?.pushed ?? 0) == 3840 })
    #expect(running.system.device?.discards == 1)
    running.end()
  }

  @Test func manySendersAtOnce() throws {
    let running = try Running()
    #expect(Self.eventually("open") { running.isOpen })
    let sender = try #require(running.sender)
    let talker = running.talker
    let packet = try micPackets(1)[0]
    final class Crowd: Sendable {
      let sender: MicSender
      let talker: TalkerID
      let packet: [UInt8]
      let taken = Atomic<Int>(0)
      init(_ sender: MicSender, _ talker: TalkerID, _ packet: [UInt8]) {
        (self.sender, self.talker, self.packet) = (sender, talker, packet)
      }
    }
    let crowd = Crowd(sender, talker, packet)
    var threads: [pthread_t] = []
    for _ in 0..<4 {
      var thread = pthread_t()
      let started = pthread_create(
        &thread, nil,
        { raw in
          let crowd = Unmanaged<Crowd>.fromOpaque(raw!).takeRetainedValue()
          for _ in 0..<500 {
            if crowd.sender.offer(.opus(crowd.packet), of: crowd.talker, at: renderNow()) == .taken {
              crowd.taken.add(1, ordering: .relaxed)
            }
          }
          return nil
        }, Unmanaged.passRetained(crowd).toOpaque())
      #expect(started == 0)
      threads.append(thread)
    }
    for thread in threads { pthread_join(thread, nil) }
    let taken = crowd.taken.load(ordering: .relaxed)
    #expect(Self.eventually("everything taken is heard") { running.system.device?.pushed == taken * 1920 })
    #expect(running.pump.queue.dropped == UInt64(2000 - taken))
    running.thread.stop()
  }

  @Test func stopEndsItWhoeverStillSends() throws {
    let running = try Running()
    #expect(Self.eventually("open") { running.isOpen })
    running.thread.stop()
    #expect(running.thread.hasEnded)
    let answer = running.sender?.offer(.pause, of: running.talker, at: renderNow())
    #expect(answer == .closed)
    #expect(["rr:4", "other"].contains(running.thread.scheduling))
  }
}

private func eventually(_ what: Comment, _ condition: () -> Bool) -> Bool {
  PumpThreadTests.eventually(what, condition)
}
