import AudioCore
import AudioIO
import Testing

/// Which capture is heard, over scripted facts.
@Suite struct CaptureModePolicyTests {
  private static let odd = [UnheardSource(node: "movie", reason: .encoded)]
  private static let running = StreamState.running(device: "sink")
  private static let starting = StreamState.waiting(BackendError(.starting, "starting"))

  private func at(_ milliseconds: Int64) -> HostTime { HostTime(nanoseconds: milliseconds * 1_000_000) }

  private func auto() -> CaptureModePolicy {
    var policy = CaptureModePolicy(mode: .auto)
    _ = policy.start(at: at(0))
    _ = policy.changed(.streams, to: Self.running, at: at(5))
    return policy
  }

  @Test(arguments: [CaptureMode.monitor, .streams]) func fixedModesNeverChange(mode: CaptureMode) {
    var policy = CaptureModePolicy(mode: mode)
    let path: CaptureModePolicy.Path = mode == .monitor ? .monitor : .streams
    #expect(policy.start(at: at(0)) == [.open(path)])
    #expect(
      policy.changed(path, to: Self.running, at: at(5)) == [.crossfade(to: path, because: .configured)])
    #expect(policy.changed(unheard: Self.odd, at: at(10)) == [])
    #expect(policy.changed(path, to: Self.starting, at: at(20)) == [])
    #expect(policy.tick(at: at(60_000)) == [])
    #expect(policy.heard == path)
  }

  @Test func autoStartsBesideTheSink() {
    var policy = CaptureModePolicy(mode: .auto)
    #expect(policy.start(at: at(0)) == [.open(.streams), .wake(at: at(500))])
    #expect(
      policy.changed(.streams, to: Self.running, at: at(5)) == [.crossfade(to: .streams, because: .configured)])
    #expect(policy.tick(at: at(1000)) == [])
  }

  @Test func unheardSourceBringsTheMonitorAtOnceAndCalmLeavesIt() {
    var policy = auto()
    #expect(policy.changed(unheard: Self.odd, at: at(100)) == [.open(.monitor)])
    #expect(policy.heard == .streams, "the monitor does not run yet")
    #expect(
      policy.changed(.monitor, to: Self.running, at: at(120))
        == [.crossfade(to: .monitor, because: .unheard(Self.odd))])
    #expect(policy.faded(at: at(140)) == [])
    #expect(policy.fallbacks == 1)
    #expect(policy.changed(unheard: [], at: at(200)) == [.wake(at: at(3200))])
    #expect(policy.tick(at: at(3199)) == [.wake(at: at(3200))])
    #expect(policy.tick(at: at(3200)) == [.crossfade(to: .streams, because: .nothingMissed)])
    #expect(policy.faded(at: at(3220)) == [.close(.monitor)])
    #expect(policy.tick(at: at(9000)) == [])
  }

  @Test func calmStartsAnewWithEachTrouble() {
    var policy = auto()
    _ = policy.changed(unheard: Self.odd, at: at(100))
    _ = policy.changed(.monitor, to: Self.running, at: at(120))
    _ = policy.faded(at: at(140))
    _ = policy.changed(unheard: [], at: at(200))
    #expect(policy.changed(unheard: Self.odd, at: at(3000)) == [])
    #expect(policy.changed(unheard: [], at: at(3100)) == [.wake(at: at(6100))])
    #expect(policy.tick(at: at(3200)) == [.wake(at: at(6100))])
  }

  @Test func returningInVainTakesLongerEachTime() {
    var policy = auto()
    var now: Int64 = 100
    var waits: [Int64] = []
    for _ in 0..<8 {
      _ = policy.changed(unheard: Self.odd, at: at(now))
      _ = policy.changed(.monitor, to: Self.running, at: at(now + 10))
      _ = policy.faded(at: at(now + 30))
      let actions = policy.changed(unheard: [], at: at(now + 40))
      guard case .wake(let time)? = actions.first else {
        Issue.record("\(actions)")
        return
      }
      waits.append((time - at(now + 40)).nanoseconds / 1_000_000_000)
      _ = policy.tick(at: time)
      _ = policy.faded(at: time + .milliseconds(20))
      now = time.nanoseconds / 1_000_000 + 1000
    }
    #expect(waits == [3, 6, 12, 24, 48, 60, 60, 60])
    // A good while without a fallback forgives.
    now += 120_000
    _ = policy.changed(unheard: Self.odd, at: at(now))
    _ = policy.changed(.monitor, to: Self.running, at: at(now + 10))
    _ = policy.faded(at: at(now + 30))
    #expect(policy.changed(unheard: [], at: at(now + 40)) == [.wake(at: at(now + 3040))])
  }

  @Test func troubleThatPassesBeforeTheMonitorRunsChangesNothing() {
    var policy = auto()
    #expect(policy.changed(unheard: Self.odd, at: at(100)) == [.open(.monitor)])
    #expect(policy.changed(unheard: [], at: at(105)) == [.close(.monitor)])
    #expect(policy.heard == .streams && policy.fallbacks == 0)
    #expect(policy.changed(.monitor, to: Self.running, at: at(110)) == [], "it is closed")
  }

  @Test func troubleDuringAFadeIsActedOnAfterIt() {
    var policy = auto()
    _ = policy.changed(unheard: Self.odd, at: at(100))
    _ = policy.changed(.monitor, to: Self.running, at: at(120))
    _ = policy.faded(at: at(140))
    _ = policy.changed(unheard: [], at: at(200))
    _ = policy.tick(at: at(3200))
    #expect(policy.changed(unheard: Self.odd, at: at(3205)) == [])
    #expect(
      policy.faded(at: at(3220)) == [.crossfade(to: .monitor, because: .unheard(Self.odd))], "the monitor still runs")
  }

  @Test func captureThatDoesNotStartIsStoodInFor() {
    var policy = CaptureModePolicy(mode: .auto)
    _ = policy.start(at: at(0))
    #expect(policy.changed(.streams, to: Self.starting, at: at(10)) == [.wake(at: at(500))])
    #expect(policy.tick(at: at(500)) == [.open(.monitor)])
    let error = BackendError(.starting, "starting")
    #expect(
      policy.changed(.monitor, to: Self.running, at: at(520))
        == [.crossfade(to: .monitor, because: .notRunning(error))])
    #expect(policy.changed(.streams, to: Self.running, at: at(900)) == [.wake(at: at(3900))])
    #expect(policy.tick(at: at(3900)) == [.crossfade(to: .streams, because: .nothingMissed)])
  }
}
