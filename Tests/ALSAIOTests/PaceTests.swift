import AudioCore
import Testing

@testable import ALSAIO

/// When the next period is due: the law, in virtual time.
@Suite struct PaceTests {
  private let rate = SampleRate.codec
  private let period: FrameCount = 480
  private func time(_ milliseconds: Int64) -> HostTime { HostTime(nanoseconds: milliseconds * 1_000_000) }

  @Test func deviceThatNeverSaysNoIsPacedByUs() {
    var pace = Pace(period: period, rate: rate, startedAt: time(0))
    var cycles = 0
    var now = time(0)
    while now < time(1000) {
      switch pace.turn(isReady: true, at: now) {
      case .now:
        cycles += 1
        pace.passed(at: now)
      case .at(let due):
        #expect(due > now)
        now = due
      case .device: Issue.record("it is always ready")
      }
    }
    #expect(cycles == 99)
  }

  @Test func deviceThatSaysNoOnceHasAClock() {
    var pace = Pace(period: period, rate: rate, startedAt: time(0))
    #expect(pace.turn(isReady: false, at: time(0)) == .device)
    // From now on it may be quicker than our clock.
    for _ in 0..<10 {
      #expect(pace.turn(isReady: true, at: time(1)) == .now)
      pace.passed(at: time(1))
    }
  }

  @Test func missedPeriodsAreNotMadeUpFor() {
    var pace = Pace(period: period, rate: rate, startedAt: time(0))
    #expect(pace.turn(isReady: true, at: time(500)) == .now)
    pace.passed(at: time(500))
    #expect(pace.turn(isReady: true, at: time(500)) == .at(time(510)))
    // A little late is made up for: the pace is that of the clock.
    #expect(pace.turn(isReady: true, at: time(515)) == .now)
    pace.passed(at: time(515))
    #expect(pace.turn(isReady: true, at: time(515)) == .at(time(520)))
  }
}
