import Testing
import Wiring

@Suite struct HostAudioPolicyTests {
  @Test func keepChangesNothing() {
    var policy = HostAudioPolicy()
    #expect(policy.handle(.opened(session: "a", .keep)) == [])
    #expect(policy.handle(.closed(session: "a")) == [])
  }

  @Test func playersMoveOnceTheSinkIsThereAndBackBeforeItGoes() {
    var policy = HostAudioPolicy()
    #expect(policy.handle(.opened(session: "a", .mute)) == [.openSink])
    #expect(policy.handle(.sink(isRunning: true)) == [.claimDefault])
    #expect(policy.handle(.closed(session: "a")) == [.returnDefault, .linger])
    #expect(policy.handle(.lingered) == [.linger], "players may still be on it")
    #expect(policy.handle(.choiceReturned) == [])
    #expect(policy.handle(.lingered) == [.closeSink])
    #expect(policy.handle(.lingered) == [])
  }

  @Test func theLastOfSeveralCounts() {
    var policy = HostAudioPolicy()
    _ = policy.handle(.opened(session: "a", .mute))
    _ = policy.handle(.sink(isRunning: true))
    #expect(policy.handle(.opened(session: "b", .mute)) == [])
    #expect(policy.handle(.opened(session: "c", .virtualOnly)) == [])
    #expect(policy.handle(.closed(session: "a")) == [])
    #expect(policy.handle(.closed(session: "b")) == [.returnDefault])
    #expect(policy.handle(.closed(session: "c")) == [.linger])
  }

  @Test func aReturningClientFindsTheSink() {
    var policy = HostAudioPolicy()
    _ = policy.handle(.opened(session: "a", .mute))
    _ = policy.handle(.sink(isRunning: true))
    _ = policy.handle(.closed(session: "a"))
    #expect(policy.handle(.opened(session: "b", .mute)) == [.claimDefault])
    #expect(policy.handle(.lingered) == [])
    #expect(policy.handle(.closed(session: "b")) == [.returnDefault, .linger])
  }

  @Test func virtualOnlyTouchesNoChoice() {
    var policy = HostAudioPolicy()
    #expect(policy.handle(.opened(session: "a", .virtualOnly)) == [.openSink])
    #expect(policy.handle(.sink(isRunning: true)) == [])
    #expect(policy.handle(.closed(session: "a")) == [.linger])
    #expect(policy.handle(.lingered) == [.closeSink])
  }

  /// The server went and came back: the choice is the session manager's to remember, the claim still stands.
  @Test func aLostServerIsNoReasonToClaimAgain() {
    var policy = HostAudioPolicy()
    _ = policy.handle(.opened(session: "a", .mute))
    _ = policy.handle(.sink(isRunning: true))
    #expect(policy.handle(.sink(isRunning: false)) == [])
    #expect(policy.handle(.sink(isRunning: true)) == [])
  }
}
