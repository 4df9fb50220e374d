import AudioCore
import AudioIO
import Testing

@Suite struct HealWatchTests {
  private let lost = BackendError(.serverUnavailable, "the server went")
  private let starting = BackendError(.starting, "joining the graph")

  private func at(_ milliseconds: Int64) -> HostTime { HostTime(nanoseconds: milliseconds * 1_000_000) }

  private func expectNothing(_ heal: HealRecord?, _ why: Comment = "") { #expect(heal == nil, why) }

  @Test func aReturnNamesItsFirstTroubleAndLastsFromTheLoss() throws {
    var watch = HealWatch()
    expectNothing(watch.enter(.waiting(starting), at: at(0)))
    expectNothing(watch.enter(.running(device: "a"), at: at(50)), "a first start heals nothing")
    expectNothing(watch.enter(.waiting(starting), at: at(100)))
    expectNothing(watch.enter(.waiting(lost), at: at(110)))
    expectNothing(watch.enter(.waiting(BackendError(.noSink, "no sink yet")), at: at(300)))
    let healed = watch.enter(.running(device: "a"), at: at(600))
    let heal = try #require(healed)
    #expect(heal.cause == "server_unavailable" && heal.message == "the server went")
    #expect(heal.duration == .milliseconds(500))
    #expect(heal.previous == "a" && heal.device == "a")
    #expect(watch.count == 1 && watch.last == heal)
  }

  @Test func anotherDeviceIsAHealEvenWithoutSilence() throws {
    var watch = HealWatch()
    _ = watch.enter(.running(device: "a"), at: at(0))
    let healed = watch.enter(.running(device: "b"), at: at(70))
    let heal = try #require(healed)
    #expect(heal.cause == "device_changed" && heal.duration == .zero)
    #expect(heal.previous == "a" && heal.device == "b")
    expectNothing(watch.enter(.running(device: "b"), at: at(80)))
  }

  @Test func linksMadeAnewAreAnInterruption() throws {
    var watch = HealWatch()
    _ = watch.enter(.running(device: "a"), at: at(0))
    _ = watch.enter(.waiting(starting), at: at(10))
    let healed = watch.enter(.running(device: "a"), at: at(14))
    let heal = try #require(healed)
    #expect(heal.cause == "interrupted" && heal.duration == .milliseconds(4))
  }

  @Test func stoppingEndsTheStory() {
    var watch = HealWatch()
    _ = watch.enter(.running(device: "a"), at: at(0))
    _ = watch.enter(.waiting(lost), at: at(10))
    _ = watch.enter(.stopped, at: at(20))
    expectNothing(watch.enter(.running(device: "b"), at: at(30)))
    #expect(watch.count == 0)
  }
}
