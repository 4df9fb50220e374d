import AudioCore
import AudioIO
import Testing

@testable import VirtualMic

/// SplitMix64: the same script for the same number everywhere.
private struct FaultDice: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
  mutating func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &self) == 0 }
}

/// Whatever goes wrong in whatever order, these hold.
@Suite struct PumpFaultTests {
  @Test(arguments: 0..<10)
  func thousandScripts(part: Int) {
    for seed in part * 100..<part * 100 + 100 { Script(seed: UInt64(seed)).run() }
  }

  /// Two minutes of one device, one server and four talkers, one of them never admitted.
  private final class Script {
    let seed: UInt64
    var dice: FaultDice
    let system = FakeSystem(laneLimit: 2)
    let world: PumpWorld
    let tuning = PumpTuning()
    var talkers = (1...4).map { TalkerID($0) }
    var mutedSince: [TalkerID: HostTime] = [:]
    var offered: [TalkerID: UInt64] = [:]
    var refused: UInt64 = 0
    /// The device whose calls are followed, by number; how many calls; and when each lane last got sound that is in it.
    var followed = 0
    var seen = 0
    var lanes: [TalkerID: HostTime?] = [:]
    /// Which device was first seen dead while the pump believed in it, and when.
    var death: (device: Int, time: HostTime)?

    init(seed: UInt64) {
      self.seed = seed
      dice = FaultDice(state: seed)
      world = PumpWorld(system, voiceLimit: 2, talkers: (1...3).map { TalkerID($0) })
    }

    func run() {
      var time = HostTime.at(0)
      while time < .at(120) {
        time = time + .milliseconds(Int64.random(in: 1...(dice.chance(8) ? 9_000 : 700), using: &dice))
        world.run(to: time.seconds)
        check()
        act()
        world.step()
        check()
      }
      system.isUp = true
      system.bearDead(false)
      world.pump.serverReturned()
      world.run(to: world.now.seconds + 3)
      #expect(world.device()?.isOpen == true, "seed \(seed): not open 3 s after the server is known to be back")
      conservation()
      world.sender = nil
      world.step()
      #expect(world.finished, "seed \(seed)")
    }

    private func act() {
      switch Int.random(in: 0..<16, using: &dice) {
      case 0:
        system.device?.die()
      case 1:
        system.isUp.toggle()
        if !system.isUp { system.device?.die() }
        if system.isUp, dice.chance(2) { world.pump.serverReturned() }
      case 2: world.pump.serverReturned()
      case 3: system.openTakes(.milliseconds(Int64.random(in: 0...500, using: &dice)))
      case 4: system.bearDead(dice.chance(3))
      case 5:
        let talker = talkers[Int.random(in: 0..<3, using: &dice)]
        if mutedSince.removeValue(forKey: talker) == nil { mutedSince[talker] = world.now }
        world.pump.setMuted(mutedSince[talker] != nil, of: talker)
      default: talk()
      }
    }

    private func talk() {
      for _ in 0..<Int.random(in: 1...(dice.chance(10) ? 90 : 8), using: &dice) {
        let talker = talkers[Int.random(in: 0..<4, using: &dice)]
        let frame: MicFrame =
          switch Int.random(in: 0..<8, using: &dice) {
          case 0: .opus(junk)
          case 1: .pause
          default: .pcm([Float](repeating: Float(talker.number) / 8, count: 8))
          }
        offered[talker, default: 0] += 1
        if world.sender?.offer(frame, of: talker, at: world.now) != .taken { refused += 1 }
      }
    }

    private func require(_ holds: Bool, _ what: @autoclosure () -> String) {
      if !holds { Issue.record("seed \(seed) at \(world.now.seconds): \(what())") }
    }

    private func check() {
      require(world.pump.queue.count == 0, "the queue is wedged")
      require(world.pump.report.voices <= 2, "too many voices")
      if let deadline = world.deadline { require(deadline > world.now, "something was left undone") }
      // Neither hints nor young deaths make attempts denser than this.
      let opens = system.opens
      for (a, b) in zip(opens.suffix(3), opens.suffix(3).dropFirst()) {
        require(b.time - a.time >= tuning.backoffStart, "opens at \(a.time.seconds) and \(b.time.seconds)")
      }
      if let device = system.device { follow(device) }
      noticedInTime()
    }

    private func noticedInTime() {
      guard world.device()?.isOpen == true, system.device?.wasKilled == true else {
        death = nil
        return
      }
      let index = system.devices.count
      if death?.device != index { death = (index, world.now) }
      if let death {
        require(world.now - death.time <= tuning.heartbeat, "dead since \(death.time.seconds)")
      }
    }

    /// Lanes carry their talker's sound only, nothing stale is left in them, and nobody pushes twice into the dead.
    private func follow(_ device: FakeMicrophone) {
      require(device.pushedAfterDeath == 0, "pushed into the dead")
      if system.devices.count != followed {
        (followed, seen, lanes) = (system.devices.count, 0, [:])
      }
      for (time, call) in device.log(from: seen) {
        seen += 1
        switch call {
        case .open(let talker): lanes[talker] = .some(nil)
        case .close(let talker): lanes[talker] = nil
        case .discard(let talker): if let talker, lanes[talker] != nil { lanes[talker] = .some(nil) }
        case .push(let talker, let samples):
          guard let talker, let last = lanes[talker] else {
            require(false, "pushed without a lane")
            continue
          }
          require(samples.allSatisfy { $0 == Float(talker.number) / 8 }, "not its talker's sound")
          require(mutedSince[talker].map { time <= $0 } ?? true, "heard while muted")
          if let last { require(time - last <= tuning.staleGap, "stale sound since \(last.seconds)") }
          lanes[talker] = .some(time)
        }
        require(lanes.count <= device.laneLimit, "too many lanes")
      }
    }

    /// Every frame offered is accounted for.
    private func conservation() {
      let report = world.pump.report
      var known: UInt64 = 0
      for talker in report.talkers.values {
        known += talker.frames + talker.muted + talker.undelivered + talker.crowded
      }
      #expect(known + report.strangers + report.dropped == offered.values.reduce(0, +), "seed \(seed)")
      #expect(report.talkers[talkers[3]] == nil && report.dropped >= refused)
    }
  }
}
