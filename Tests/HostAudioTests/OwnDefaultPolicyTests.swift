import AudioCore
import AudioIO
import Testing
import Wiring

/// A policy at a time that moves on, with all it asks for.
private struct Course {
  var policy: OwnDefaultPolicy
  var now = HostTime(nanoseconds: 0)

  init(_ mode: OwnDefaultMode) { policy = OwnDefaultPolicy(device: "mic", mode: mode) }

  /// In place, with a server that answers, and the user's choice as given.
  static func ready(_ mode: OwnDefaultMode, _ choice: DefaultDeviceState.Choice = .unset) -> Course {
    var course = Course(mode)
    _ = course.send(.choice(choice))
    _ = course.send(.device(isPresent: true))
    return course
  }

  /// Claimed, and the claim shows.
  static func claimed(_ mode: OwnDefaultMode, _ choice: DefaultDeviceState.Choice = .unset) -> Course {
    var course = ready(mode, choice)
    _ = course.send(.users(isAny: true))
    _ = course.send(.choice(.named("mic")))
    return course
  }

  mutating func send(_ event: OwnDefaultPolicy.Event) -> [OwnDefaultPolicy.Action] { policy.handle(event, at: now) }

  /// Half a second at a time.
  mutating func wait(seconds: Double) -> [OwnDefaultPolicy.Action] {
    var actions: [OwnDefaultPolicy.Action] = []
    for _ in 0..<Int(seconds * 2) {
      now = now + .milliseconds(500)
      actions += send(.tick)
    }
    return actions
  }
}

@Suite struct MicDefaultPolicyTests {
  @Test func neverChangesNothing() {
    var course = Course.ready(.never)
    #expect(course.send(.users(isAny: true)) == [] && course.wait(seconds: 60) == [])
    #expect(course.policy.standing == .idle)
    #expect(course.send(.stopping) == [])
  }

  @Test func whileConnectedFollowsTheTalkers() {
    var course = Course.ready(.whileConnected)
    #expect(course.wait(seconds: 60) == [], "nobody talks")
    #expect(course.send(.users(isAny: true)) == [.claim])
    #expect(course.send(.choice(.named("mic"))) == [] && course.policy.standing == .claimed)
    #expect(course.wait(seconds: 3600) == [])
    #expect(course.send(.users(isAny: false)) == [] && course.policy.standing == .lingering)
    #expect(course.wait(seconds: 4.5) == [])
    #expect(course.wait(seconds: 1) == [.release] && course.policy.standing == .idle)
    #expect(course.wait(seconds: 60) == [])
  }

  @Test func aTalkerThatIsSoonBackMovesNobody() {
    var course = Course.claimed(.whileConnected)
    for _ in 0..<10 {
      #expect(course.send(.users(isAny: false)) == [] && course.wait(seconds: 4) == [])
      #expect(course.send(.users(isAny: true)) == [] && course.wait(seconds: 4) == [])
    }
  }

  @Test func alwaysNeedsNobody() {
    var course = Course(.always)
    #expect(course.send(.device(isPresent: true)) == [], "the user's choice is not known yet")
    #expect(course.policy.standing == .waiting)
    #expect(course.send(.choice(.named("webcam"))) == [.claim])
    #expect(course.send(.choice(.named("mic"))) == [] && course.wait(seconds: 3600) == [])
    #expect(course.send(.stopping) == [.release])
    #expect(course.send(.choice(.named("webcam"))) == [] && course.wait(seconds: 60) == [], "it has stopped")
  }

  @Test func nothingIsClaimedForASourceThatIsNotThere() {
    var course = Course(.always)
    #expect(course.send(.choice(.unset)) == [] && course.wait(seconds: 60) == [])
    #expect(course.send(.device(isPresent: true)) == [.claim])
  }

  @Test(arguments: [OwnDefaultMode.whileConnected, .always], [DefaultDeviceState.Choice.named("webcam"), .unset])
  func theUsersChoiceStands(mode: OwnDefaultMode, theirs: DefaultDeviceState.Choice) {
    var course = Course.claimed(mode, .named("headset"))
    #expect(course.send(.choice(theirs)) == [.release] && course.policy.standing == .yielded)
    #expect(course.wait(seconds: 3600) == [])
    // Neither a short loss of the talker nor one of the server wins it back.
    _ = course.send(.users(isAny: false))
    _ = course.wait(seconds: 3)
    #expect(course.send(.users(isAny: true)) == [])
    _ = course.send(.choice(.unknown))
    _ = course.send(.device(isPresent: false))
    _ = course.wait(seconds: 30)
    _ = course.send(.device(isPresent: true))
    #expect(course.send(.choice(theirs)) == [] && course.wait(seconds: 60) == [])
    // Only who comes to talk later does, where talkers are asked about at all.
    _ = course.send(.users(isAny: false))
    _ = course.wait(seconds: 6)
    #expect(course.send(.users(isAny: true)) == (mode == .always ? [] : [.claim]))
  }

  @Test func theUserMayComeBackToOurs() {
    var course = Course.claimed(.always)
    #expect(course.send(.choice(.named("webcam"))) == [.release])
    // A claim of what is chosen already takes no lease.
    #expect(course.send(.choice(.named("mic"))) == [.claim] && course.policy.standing == .claimed)
    #expect(course.send(.choice(.named("webcam"))) == [.release])
  }

  /// The old value may show for as long as the server takes; somebody who is quicker than our claim keeps what they chose.
  @Test func aClaimMayTakeAWhileAndMayBeOverridden() {
    var course = Course.ready(.always, .named("webcam"))
    var other = course
    #expect(course.policy.standing == .claimed)
    course.now = course.now + .seconds(1)
    #expect(course.send(.choice(.named("webcam"))) == [])
    course.now = course.now + .seconds(2)
    #expect(course.send(.choice(.named("webcam"))) == [.release] && course.policy.standing == .yielded)
    #expect(other.send(.choice(.named("headset"))) == [.release] && other.policy.standing == .yielded)
  }

  @Test func aServerThatComesBackKeepsTheClaim() {
    var course = Course.claimed(.always, .named("webcam"))
    func restart(_ course: inout Course, as choice: DefaultDeviceState.Choice) -> [OwnDefaultPolicy.Action] {
      var actions = course.send(.choice(.unknown)) + course.send(.device(isPresent: false))
      actions += course.wait(seconds: 2)
      actions += course.send(.choice(choice))
      return actions + course.send(.device(isPresent: true))
    }
    #expect(restart(&course, as: .named("mic")) == [])
    // It went before it had written the claim down.
    #expect(restart(&course, as: .named("webcam")) == [.release, .claim])
    // Once more, before the claim has shown; and the choice before it was not written down either.
    #expect(restart(&course, as: .named("webcam")) == [.release, .claim])
    #expect(restart(&course, as: .unset) == [.release, .claim])
    #expect(course.send(.choice(.named("mic"))) == [])
    #expect(restart(&course, as: .named("headset")) == [.release], "that is neither ours nor what was before")
    #expect(course.wait(seconds: 60) == [] && course.policy.standing == .yielded)
  }

  @Test func aLongAbsenceGivesTheChoiceBack() {
    var course = Course.claimed(.always)
    #expect(course.send(.device(isPresent: false)) == [] && course.wait(seconds: 6) == [.release])
    #expect(course.send(.choice(.unset)) == [])
    #expect(course.send(.device(isPresent: true)) == [.claim])
  }

  @Test func refusalsAreRetriedEverLessOften() {
    var course = Course(.always)
    _ = course.send(.device(isPresent: true))
    #expect(course.send(.choice(.unset)) == [.claim])
    var claims = 1
    for _ in 0..<7200 {
      _ = course.send(.refused)
      while course.wait(seconds: 0.5) == [], course.now < HostTime(nanoseconds: 3600 * 1_000_000_000) {}
      if course.policy.standing == .claimed { claims += 1 } else { break }
    }
    #expect((40...80).contains(claims), "in an hour: \(claims)")
    _ = course.wait(seconds: 120)
    #expect(course.send(.choice(.named("mic"))) == [] && course.policy.standing == .claimed)
  }

  @Test func aNewModeTakesEffectAtOnce() {
    var course = Course.claimed(.whileConnected)
    #expect(course.send(.mode(.never)) == [.release])
    #expect(course.send(.choice(.unset)) == [])
    #expect(course.send(.mode(.always)) == [.claim])
    #expect(course.send(.choice(.named("mic"))) == [])
    #expect(course.send(.mode(.whileConnected)) == [])
    #expect(course.send(.users(isAny: false)) == [] && course.wait(seconds: 6) == [.release])
    _ = course.send(.choice(.unset))
    _ = course.send(.mode(.always))
    _ = course.send(.choice(.named("mic")))
    #expect(course.send(.choice(.named("webcam"))) == [.release])
    #expect(course.send(.mode(.always)) == [] && course.wait(seconds: 60) == [], "nothing new")
    _ = course.send(.mode(.never))
    #expect(course.send(.mode(.always)) == [.claim])
  }

  @Test(arguments: [DefaultDeviceState.Choice.unknown, .unreadable])
  func whatCannotBeReadIsNotChanged(choice: DefaultDeviceState.Choice) {
    var course = Course.ready(.always, choice)
    #expect(course.wait(seconds: 60) == [])
    #expect(course.send(.choice(.unset)) == [.claim])
  }
}
