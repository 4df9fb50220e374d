import AudioCore
import AudioIO
import Testing

@Suite struct ReconnectPlanTests {
  private let start = HostTime(nanoseconds: 7_000_000_000)

  @Test func waitDoublesToTheCapForEver() {
    var plan = ReconnectPlan()
    var now = start
    var waits: [Double] = []
    for _ in 0..<1000 {
      let (retryAt, _) = plan.failed(at: now)
      waits.append((retryAt - now).milliseconds)
      now = retryAt
    }
    #expect(waits.prefix(5) == [50, 100, 200, 400, 400])
    #expect(waits.dropFirst(3).allSatisfy { $0 == 400 })
    #expect(plan.failures == 1000)
  }

  /// A server that is gone for a day must not fill the log.
  @Test func onlyPowersOfTwoAreWorthALine() {
    var plan = ReconnectPlan()
    let said = (1...5000).filter { _ in plan.failed(at: start).worthSaying }
    #expect(said == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096])
  }

  @Test func goodConnectionForgivesThePast() {
    var plan = ReconnectPlan()
    for _ in 0..<10 { _ = plan.failed(at: start) }
    plan.connected(at: start)
    let (retryAt, worthSaying) = plan.failed(at: start + .seconds(5))
    #expect(retryAt == start + .seconds(5) + .milliseconds(50))
    #expect(worthSaying)
    #expect(plan.failures == 1)
  }

  /// A server that accepts and dies at once is a failing server.
  @Test func shortConnectionDoesNot() {
    var plan = ReconnectPlan()
    for _ in 0..<10 { _ = plan.failed(at: start) }
    plan.connected(at: start)
    let now = start + .seconds(5) - .milliseconds(1)
    #expect(plan.failed(at: now).retryAt == now + .milliseconds(400))
    #expect(plan.failed(at: now + .seconds(60)).retryAt == now + .seconds(60) + .milliseconds(400))
  }

  @Test func capBelowTheFirstStillWaits() {
    var plan = ReconnectPlan(first: .milliseconds(10), cap: .milliseconds(15), stableAfter: .seconds(1))
    #expect(plan.failed(at: start).retryAt == start + .milliseconds(10))
    #expect(plan.failed(at: start).retryAt == start + .milliseconds(15))
  }
}

@Suite struct SinkTargetTests {
  @Test(arguments: ["default-sink", "sink:alsa_output.pci-0000_00.analog-stereo", "sink:a b:c"])
  func textThereAndBack(text: String) { #expect(SinkTarget(text)?.description == text) }

  @Test(arguments: ["", "sink:", "sink", "default", "source:mic", "Default-sink"])
  func whatIsNoTarget(text: String) { #expect(SinkTarget(text) == nil) }

  @Test func everyErrorSaysWhatHelps() {
    for code in BackendError.Code.allCases {
      let error = BackendError(code, "message", hint: "hint")
      #expect(error.description == "message (hint)")
      #expect(code.rawValue.allSatisfy { $0.isLowercase || $0 == "_" })
      let isPermanent = [
        .unsupportedRole, .unsupportedFormat, .streamGone, .streamFixed, .badLevel, .tooMany,
      ].contains(code)
      #expect((error.recovery == .permanent) == isPermanent)
    }
    #expect(BackendError(.serverUnavailable, "m").recovery == .waitForServer)
    #expect(BackendError(.sinkNotFound, "m").recovery == .waitForDevice)
  }
}
