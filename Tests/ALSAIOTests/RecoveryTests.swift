import AudioCore
import AudioIO
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import ALSAIO

/// What a device can do to a stream, and what is heard of it.
@Suite(.serialized) struct RecoveryTests {
  static let roles: [StreamRole] = [.playback(to: .defaultSink), .capture(source: nil)]

  /// Each break has been counted once, announced once, and mended once.
  private func expectEachBreakOnce(_ rig: DeviceRig, _ place: SourceLocation = #_sourceLocation) {
    let report = rig.stream.report
    #expect(report.xruns > 0, sourceLocation: place)
    #expect(rig.client.discontinuities.load(ordering: .relaxed) == Int(report.xruns) + 1, sourceLocation: place)
    #expect(rig.client.jumps.load(ordering: .relaxed) == 0, sourceLocation: place)
    // What was missed is not made up for: sound never ran ahead of time.
    let passed = (renderNow() - rig.begun).milliseconds
    #expect(Double(rig.client.frames.load(ordering: .relaxed)) <= passed * 48 + 960, sourceLocation: place)
  }

  @Test(arguments: roles) func xrunIsCountedOnce(role: StreamRole) throws {
    let rig = try DeviceRig(try SoftCard(), role: role)
    #expect(rig.run(cycles: 10), "\(rig.states)")
    for _ in 0..<3 {
      rig.card[.starve] = 1
      let starts = rig.card[.starts]
      let again = waitUntil(timeout: 10) { rig.card[.starts] > starts }
      #expect(again && rig.run(cycles: 5))
    }
    rig.stream.stop()
    expectEachBreakOnce(rig)
    // However often the machine itself was late besides.
    #expect(rig.stream.report.xruns >= 3)
    #expect(rig.stream.report.xruns == UInt64(rig.card[.prepares] - rig.card[.opens]))
    #expect(rig.states.count { if case .running = $0 { true } else { false } } == 1, "an xrun is no loss")
  }

  @Test func soundRisesAfterAnXrun() throws {
    let card = try SoftCard(format: .float32)
    let rig = try DeviceRig(card)
    #expect(rig.run(cycles: 10))
    card[.starve] = 1
    #expect(waitUntil(timeout: 10) { card[.starts] > 1 })
    #expect(rig.run(cycles: 10))
    rig.stream.stop()
    let played = try card.played()[0]
    let buffer = Int(card[.buffer])
    // The buffer of silence that the device was started on the second time.
    var silence = 0
    let second = try #require(
      played.indices.dropFirst(buffer + 480).first { index in
        silence = abs(played[index]) < 1e-9 ? silence + 1 : 0
        return silence == buffer
      })
    let rise = played[(second + 1)...].prefix(480)
    for (number, sample) in rise.enumerated() {
      #expect(abs(sample) <= RigClient.amplitude * min(Float(number + 2) / 240, 1) + 1e-6)
    }
    #expect(rise.contains { abs($0) > 0.4 }, "it is all there after the rise")
  }

  /// A client that takes too long starves the device itself.
  @Test(arguments: roles) func lateClientIsAnXrunAndNoBurst(role: StreamRole) throws {
    let rig = try DeviceRig(try SoftCard(), role: role)
    #expect(rig.run(cycles: 5), "\(rig.states)")
    let before = rig.stream.report.xruns
    rig.client.delay.store(150_000, ordering: .relaxed)
    #expect(waitUntil(timeout: 10) { rig.stream.report.xruns > before })
    #expect(rig.run(cycles: 10))
    rig.stream.stop()
    expectEachBreakOnce(rig)
    // The position tells how long it was.
    let lost = rig.client.position.load(ordering: .relaxed) - Int64(rig.client.frames.load(ordering: .relaxed))
    #expect(lost > 48 * 90)
  }

  @Test(arguments: [false, true]) func suspendedDeviceComesBack(cannotResume: Bool) throws {
    let rig = try DeviceRig(try SoftCard())
    #expect(rig.run(cycles: 5))
    rig.card[.cannotResume] = cannotResume ? 1 : 0
    rig.card[.suspended] = 1
    #expect(waitUntil(timeout: 10) { rig.card[.resumes] > 2 || (cannotResume && rig.card[.resumes] > 0) })
    if !cannotResume {
      let during = rig.client.cycleCount
      // Longer than a device that is awake may stand still.
      usleep(1_200_000)
      #expect(rig.client.cycleCount == during, "nothing is rendered for a device that sleeps")
      rig.card[.suspended] = 0
    }
    #expect(rig.run(cycles: 10), "\(rig.states)")
    rig.stream.stop()
    expectEachBreakOnce(rig)
    #expect(rig.card[.opens] == 1, "the same device all the while")
  }

  @Test(arguments: roles) func deviceThatIsPulledOutIsFoundAgain(role: StreamRole) throws {
    let rig = try DeviceRig(try SoftCard(), role: role)
    #expect(rig.run(cycles: 5))
    for round in 1...2 {
      rig.card[.gone] = 1
      #expect(waitUntil(timeout: 10) { rig.trouble == .deviceLost }, "\(rig.states)")
      let during = rig.client.cycleCount
      usleep(100_000)
      #expect(rig.client.cycleCount == during)
      rig.card[.gone] = 0
      #expect(rig.run(cycles: 5), "\(rig.states)")
      #expect(rig.card[.closes] == Int32(round))
    }
    rig.stream.stop()
    #expect(rig.card[.closes] == rig.card[.opens], "no device stays open")
    #expect(rig.states.count { if case .waiting = $0 { true } else { false } } == 2)
    #expect(rig.client.jumps.load(ordering: .relaxed) == 0)
  }

  /// A clock that stands still is a device that is not there, though it says nothing.
  @Test func deviceThatStandsStillIsLost() throws {
    let rig = try DeviceRig(try SoftCard())
    #expect(rig.run(cycles: 5))
    rig.card[.stuck] = 1
    #expect(waitUntil(timeout: 15) { rig.trouble == .deviceLost })
    #expect(waitUntil(timeout: 15) { rig.card[.opens] > 1 })
    let during = rig.client.cycleCount
    rig.card[.stuck] = 0
    #expect(rig.run(cycles: 5))
    #expect(during < rig.client.cycleCount)
    rig.stream.stop()
  }

  @Test func breaksWithoutEndAreALoss() throws {
    let rig = try DeviceRig(try SoftCard())
    #expect(rig.run(cycles: 5))
    rig.card[.starve] = 100
    #expect(waitUntil(timeout: 15) { rig.trouble == .deviceLost }, "\(rig.states)")
    rig.card[.starve] = 0
    #expect(rig.run(cycles: 5))
    rig.stream.stop()
    #expect(rig.stream.report.xruns < 60, "starting again is tried a few times")
  }

  /// Nothing spins, and no sound is thrown at it.
  @Test(arguments: roles) func deviceThatRefusesWhatItAskedForIsLost(role: StreamRole) throws {
    let rig = try DeviceRig(try SoftCard(), role: role)
    #expect(rig.run(cycles: 5), "\(rig.states)")
    rig.card[.refuses] = 1
    #expect(waitUntil(timeout: 10) { rig.trouble == .deviceLost }, "\(rig.states)")
    let during = rig.client.cycleCount
    usleep(200_000)
    #expect(rig.client.cycleCount == during)
    rig.card[.refuses] = 0
    #expect(rig.run(cycles: 5), "\(rig.states)")
    rig.stream.stop()
    #expect(rig.client.jumps.load(ordering: .relaxed) == 0)
  }

  @Test func pcmThatIsNamedLaterIsFound() throws {
    let card = try SoftCard()
    let rig = try DeviceRig(card, role: .playback(to: .named("later")))
    #expect(waitUntil(timeout: 10) { rig.trouble == .sinkNotFound }, "\(rig.states)")
    usleep(200_000)
    #expect(rig.states.count == 1, "said once")
    try card.configure("pcm.later { type null }")
    #expect(rig.run(cycles: 5), "\(rig.states)")
    rig.stream.stop()
    let wanting = try DeviceRig(card, role: .capture(source: "nobody"))
    #expect(waitUntil(timeout: 10) { wanting.trouble == .sourceNotFound })
  }

  @Test func unusableSamplesAreSaid() throws {
    let card = try SoftCard()
    // Unsigned bytes.
    card[.format] = 1
    let rig = try DeviceRig(card)
    #expect(waitUntil(timeout: 10) { rig.trouble == .unsupportedFormat }, "\(rig.states)")
    rig.stream.stop()
    #expect(rig.client.cycleCount == 0)
  }

  @Test func clockIsMeasured() throws {
    let card = try SoftCard()
    card[.ppm] = 20_000
    let rig = try DeviceRig(card)
    #expect(waitUntil(timeout: 20) { rig.stream.report.clockPPM != nil })
    let ppm = try #require(rig.stream.report.clockPPM)
    #expect(abs(ppm - 20_000) < 2_000, "\(ppm)")
    #expect(["other", "rr:10"].contains(rig.stream.report.scheduling))
  }
}
