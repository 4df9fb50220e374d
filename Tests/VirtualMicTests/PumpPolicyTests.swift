import AudioCore
import AudioIO
import Testing

@testable import VirtualMic

/// The law of opening, by itself.
@Suite struct PumpPolicyTests {
  static func opened(at time: Double = 0, _ tuning: PumpTuning = PumpTuning()) -> PumpPolicy {
    var policy = PumpPolicy(tuning, start: .at(time))
    #expect(policy.due(at: .at(time)) == .open)
    policy.opened(at: .at(time))
    return policy
  }

  /// Lets the next `count` opens fail; when they were tried.
  static func failing(_ policy: inout PumpPolicy, _ count: Int, from start: Double) -> [Double] {
    var times: [Double] = []
    var now = HostTime.at(start)
    while times.count < count {
      switch policy.due(at: now) {
      case .open:
        times.append(now.seconds)
        _ = policy.failed(at: now)
      case .nothing(let until?): now = until
      default: return times
      }
    }
    return times
  }

  @Test func opensAtOnceAndBacksOffDoublingToTheCap() {
    var policy = PumpPolicy(PumpTuning(), start: .at(0))
    #expect(Self.failing(&policy, 9, from: 0) == [0, 2, 6, 14, 30, 62, 122, 182, 242])
  }

  @Test func oneAttemptIsUnderWayAtATime() {
    var policy = PumpPolicy(PumpTuning(), start: .at(0))
    #expect(policy.due(at: .at(0)) == .open)
    #expect(policy.phase == .opening)
    #expect(policy.due(at: .at(100)) == .nothing(until: nil))
  }

  @Test func theWaitStartsWhenTheAttemptEnded() {
    var policy = PumpPolicy(PumpTuning(), start: .at(0))
    #expect(policy.due(at: .at(0)) == .open)
    _ = policy.failed(at: .at(1.5))
    #expect(policy.due(at: .at(3.499)) == .nothing(until: .at(3.5)))
    #expect(policy.due(at: .at(3.5)) == .open)
  }

  @Test func aFailureIsWorthSayingAtPowersOfTwo() {
    var policy = PumpPolicy(PumpTuning(), start: .at(0))
    var said: [UInt64] = []
    for _ in 1...40 {
      guard let time = policy.deadline, policy.due(at: time) == .open else { break }
      let failure = policy.failed(at: time)
      if failure.worthSaying { said.append(failure.attempts) }
    }
    #expect(said == [1, 2, 4, 8, 16, 32])
  }

  @Test func dyingYoungIsAFailedOpen() {
    var policy = Self.opened()
    #expect(policy.died(at: .at(4.999)) == PumpPolicy.Failure(attempts: 1, worthSaying: true))
    #expect(policy.deadline == .at(6.999))
  }

  @Test func dyingAfterAGoodLifeReopensAtOnceFromTheShortestWait() {
    var policy = PumpPolicy(PumpTuning(), start: .at(0))
    #expect(Self.failing(&policy, 4, from: 0) == [0, 2, 6, 14])
    #expect(policy.due(at: .at(30)) == .open)
    policy.opened(at: .at(30))
    #expect(policy.died(at: .at(35)) == nil)
    #expect(policy.attempts == 0)
    #expect(Self.failing(&policy, 4, from: 35) == [35, 37, 41, 49])
  }

  @Test func openingAloneDoesNotResetTheWait() {
    var policy = PumpPolicy(PumpTuning(), start: .at(0))
    var opens: [Double] = []
    var now = HostTime.at(0)
    for _ in 0..<7 {
      #expect(policy.due(at: now) == .open)
      opens.append(now.seconds)
      policy.opened(at: now)
      now = now + .milliseconds(1)
      #expect(policy.died(at: now) != nil)
      now = policy.deadline ?? now
    }
    #expect(opens == [0, 2.001, 6.002, 14.003, 30.004, 62.005, 122.006])
  }

  @Test func theHeartbeatCountsFromTheLastSignOfLife() {
    var policy = Self.opened()
    #expect(policy.due(at: .at(0.999_999_999)) == .nothing(until: .at(1)))
    #expect(policy.due(at: .at(1)) == .probe)
    policy.lives(at: .at(1))
    #expect(policy.deadline == .at(2))
    policy.lives(at: .at(1.5))
    #expect(policy.due(at: .at(2.499)) == .nothing(until: .at(2.5)))
    #expect(policy.due(at: .at(2.5)) == .probe)
  }

  @Test func aReturnedServerEndsTheWaitButNotTheLaw() {
    var policy = PumpPolicy(PumpTuning(), start: .at(0))
    #expect(Self.failing(&policy, 6, from: 0).last == 62)
    policy.serverReturned(at: .at(70))
    #expect(policy.due(at: .at(70)) == .open)
    _ = policy.failed(at: .at(70))
    #expect(policy.deadline == .at(130), "the next wait is still the long one")
  }

  @Test func hintsCannotMakeAttemptsComeCloserThanTheShortestWait() {
    var policy = PumpPolicy(PumpTuning(), start: .at(0))
    var opens: [HostTime] = []
    for millisecond in Int64(0)..<120_000 {
      let now = HostTime(nanoseconds: millisecond * 1_000_000)
      policy.serverReturned(at: now)
      guard policy.due(at: now) == .open else { continue }
      opens.append(now)
      // Every other attempt works, for a moment.
      if opens.count % 2 == 0 {
        policy.opened(at: now)
        _ = policy.died(at: now)
      } else {
        _ = policy.failed(at: now)
      }
    }
    #expect(opens.count == 60)
    #expect(zip(opens, opens.dropFirst()).allSatisfy { $1 - $0 == .seconds(2) })
  }

  @Test func aHintDuringAnAttemptCountsAfterItFailed() {
    var policy = PumpPolicy(PumpTuning(), start: .at(0))
    _ = Self.failing(&policy, 5, from: 0)
    #expect(policy.due(at: .at(62)) == .open)
    policy.serverReturned(at: .at(63))
    _ = policy.failed(at: .at(63.5))
    #expect(policy.deadline == .at(64))
  }

  @Test func aHintWhileOpenAsksAtOnceAndCountsIfItIsDead() {
    var policy = Self.opened(at: 0)
    policy.lives(at: .at(0.5))
    policy.serverReturned(at: .at(0.6))
    #expect(policy.due(at: .at(0.6)) == .probe)
    var dead = policy
    _ = dead.died(at: .at(0.6))
    #expect(dead.deadline == .at(2))
    policy.lives(at: .at(0.6))
    #expect(policy.deadline == .at(1.6))
    _ = policy.died(at: .at(1.6))
    #expect(policy.deadline == .at(3.6), "a hint that was answered is spent")
  }

  @Test func aGapIsStaleBeyondTheLimit() {
    var gap = PushGap(limit: .milliseconds(600))
    #expect(!gap.isStale(at: .at(1000)), "nothing was pushed, so nothing is stale")
    gap.pushed(at: .at(1))
    #expect(!gap.isStale(at: .at(1.6)))
    #expect(gap.isStale(at: HostTime(nanoseconds: 1_600_000_001)))
  }
}

@Suite struct MicStateTests {
  @Test func stateFollowsWhatHappens() {
    var condition = MicCondition(quietAfter: .milliseconds(600))
    #expect(condition.state(at: .at(0)) == .degraded(.starting))
    condition.failed(.serverUnavailable)
    #expect(condition.state(at: .at(0)) == .degraded(.unavailable(.serverUnavailable)))
    condition.opened()
    #expect(condition.state(at: .at(1)) == .idle)
    condition.sounded(at: .at(2))
    #expect(condition.state(at: .at(2.6)) == .live)
    #expect(condition.state(at: HostTime(nanoseconds: 2_600_000_001)) == .idle)
    condition.died()
    #expect(condition.state(at: .at(2.1)) == .degraded(.died))
    condition.mute(true)
    #expect(condition.state(at: .at(2.1)) == .muted)
    condition.opened()
    condition.mute(false)
    #expect(condition.state(at: .at(2.2)) == .idle)
  }

  @Test func codesAreStable() {
    #expect([MicState.muted, .idle, .live, .degraded(.died)].map(\.code) == ["muted", "idle", "live", "degraded"])
    let reasons: [MicState.Reason] = [.starting, .died, .unavailable(.serverUnavailable)]
    #expect(reasons.map(\.code) == ["starting", "device_lost", "server_unavailable"])
  }
}
