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

  @Test func theCopyIsThereBeforePlayersMoveAndUntilTheyAreBack() {
    var policy = HostAudioPolicy()
    #expect(policy.handle(.opened(session: "a", .mirror)) == [.openSink, .openCopy])
    #expect(policy.handle(.sink(isRunning: true)) == [.claimDefault])
    #expect(policy.handle(.defaultSink(isOurs: true)) == [.follow])
    #expect(policy.isDefault)
    #expect(policy.handle(.closed(session: "a")) == [.returnDefault, .linger])
    #expect(policy.handle(.defaultSink(isOurs: false)) == [.follow])
    #expect(policy.handle(.choiceReturned) == [.closeCopy])
    #expect(policy.handle(.lingered) == [.closeSink])
  }

  @Test func whoMutesSilencesTheCopy() {
    var policy = HostAudioPolicy()
    _ = policy.handle(.opened(session: "a", .mirror))
    _ = policy.handle(.sink(isRunning: true))
    #expect(policy.handle(.opened(session: "b", .mute)) == [.closeCopy])
    #expect(policy.handle(.opened(session: "c", .mirror)) == [])
    #expect(policy.handle(.opened(session: "d", .mute)) == [])
    #expect(policy.handle(.closed(session: "b")) == [])
    #expect(policy.handle(.closed(session: "d")) == [.openCopy])
    // A mirror that ends leaves the other its copy.
    #expect(policy.handle(.closed(session: "a")) == [])
    #expect(policy.handle(.closed(session: "c")) == [.returnDefault, .linger])
  }

  /// Muted while the choice is on its way back: quiet at once, and it stays so.
  @Test func muteEndsACopyThatOutlivesItsSession() {
    var policy = HostAudioPolicy()
    _ = policy.handle(.opened(session: "a", .mirror))
    _ = policy.handle(.sink(isRunning: true))
    _ = policy.handle(.closed(session: "a"))
    #expect(policy.handle(.opened(session: "b", .mute)) == [.closeCopy, .claimDefault])
    #expect(policy.handle(.closed(session: "b")) == [.returnDefault, .linger])
  }

  @Test func keptSessionsFollowWhoeverMadeOurSinkTheDefault() {
    var policy = HostAudioPolicy()
    _ = policy.handle(.opened(session: "a", .keep))
    // Somebody else's sink of that name is not ours.
    #expect(policy.handle(.defaultSink(isOurs: true)) == [])
    #expect(policy.handle(.defaultSink(isOurs: false)) == [])
    #expect(policy.handle(.opened(session: "b", .virtualOnly)) == [.openSink])
    #expect(policy.handle(.defaultSink(isOurs: true)) == [.follow])
    #expect(policy.handle(.defaultSink(isOurs: true)) == [])
    #expect(policy.handle(.closed(session: "b")) == [.linger])
    // They are away before the sink is.
    #expect(policy.handle(.lingered) == [.follow, .closeSink])
    #expect(!policy.isDefault)
  }

  @Test(arguments: HostAudioMode.allCases) func modesSayWhatTheyNeed(mode: HostAudioMode) {
    #expect(mode.needsSink == (mode != .keep))
    #expect(mode.needsDefault == (mode == .mute || mode == .mirror))
    #expect(mode.followsDefault == (mode == .keep || mode == .mirror))
  }
}
