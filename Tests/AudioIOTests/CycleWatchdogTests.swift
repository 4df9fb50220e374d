import AudioCore
import AudioIO
import Testing

@Suite struct CycleWatchdogTests {
  private func time(_ seconds: Int) -> HostTime { HostTime(nanoseconds: Int64(seconds) * 1_000_000_000) }

  /// Every second it is looked at; the seconds at which it wants a restart.
  private func restarts(_ seconds: Int, _ state: (Int) -> (isRunning: Bool, cycles: UInt64)) -> [Int] {
    var watchdog = CycleWatchdog(patience: .seconds(5))
    return (0..<seconds).filter { second in
      let now = state(second)
      return watchdog.look(isRunning: now.isRunning, cycles: now.cycles, at: time(second))
    }
  }

  @Test func whatMovesIsLeftAlone() {
    #expect(restarts(1000) { (true, UInt64($0)) } == [])
    // Now and then is enough.
    #expect(restarts(1000) { (true, UInt64($0 / 4)) } == [])
  }

  @Test func whatIsStoppedIsLeftAlone() { #expect(restarts(1000) { _ in (false, 7) } == []) }

  /// Each restart that does not help is followed by a longer pause, up to a minute.
  @Test func whatStandsStillIsStartedAnew() {
    let found = restarts(400) { _ in (true, 7) }
    #expect(found.prefix(4) == [5, 16, 37, 78])
    #expect(zip(found.dropFirst(4), found.dropFirst(3)).allSatisfy { $0 - $1 == 61 }, "\(found)")
  }

  /// One that helped counts no more.
  @Test func afterItMovesThePatienceIsShortAgain() {
    let found = restarts(60) { (true, (20..<30).contains($0) ? UInt64($0) : 7) }
    #expect(found.prefix(3) == [5, 16, 35], "\(found)")
  }
}
