import AudioCore
import Capture
import Testing

/// What is lost leaves a hole of its own length: media time stays with real time.
@Suite struct LossTests {
  private static func time(_ frame: Int64) -> HostTime { ReframerRig.time(ofFrame: frame) }

  @Test(arguments: [120, 240, 960], [16, 64, 256, 700, 960, 1024, 4096])
  func lostBlockLeavesAHoleOfItsLength(frame: Int, lost: Int) {
    let rig = ReframerRig(frame: frame)
    let end = rig.deliver(from: 0, to: 9600)
    let back = end + Int64(lost)
    rig.deliver(256, number: back, flags: .discontinuity)
    rig.deliver(from: back + 256, to: back + 9600)
    #expect(rig.misplacement == 0...0)
    #expect(rig.brokenPositions == 0)
    let missing = (0..<(Int(rig.lastPosition!) + frame)).count - rig.packets.count * frame
    #expect(missing == rig.packets.reduce(0) { $0 + $1.facts.skipped.value })
    #expect(rig.counts.gaps >= 1)
  }

  /// The position tells the loss exactly even if the time is a little off.
  @Test func manyLossesWithJitterDoNotAddUp() {
    let rig = ReframerRig()
    var generator = SeededGenerator(seed: 3)
    var number: Int64 = 0
    for _ in 0..<500 {
      number = rig.deliver(from: number, to: number + 1024)
      number += 256 * Int64.random(in: 1...4, using: &generator)
      let jitter = HostDuration.microseconds(Int64.random(in: -2000...2000, using: &generator))
      rig.run(until: Self.time(number))
      rig.write(256, number: number, time: Self.time(number) + jitter, flags: .discontinuity)
      rig.visit()
      number += 256
    }
    #expect(rig.misplacement.map { abs($0.lowerBound) <= 240 && abs($0.upperBound) <= 240 } == true)
    #expect(rig.brokenPositions == 0)
  }

  /// Another clock's position says nothing; the time does.
  @Test(arguments: [-1_000_000, 1_000_000, 300]) func positionOfAnotherClockIsNoLoss(jump: Int64) {
    let rig = ReframerRig()
    let end = rig.deliver(from: 0, to: 9600)
    rig.run(until: Self.time(end))
    rig.write(256, number: end, position: end + jump, flags: .discontinuity)
    rig.visit()
    var number = end + 256
    while number < end + 24_000 {
      rig.run(until: Self.time(number))
      rig.write(256, number: number, position: number + jump)
      rig.visit()
      number += 256
    }
    #expect(rig.misplacement.map { $0.lowerBound >= 0 && $0.upperBound <= 300 } == true)
    #expect(jump == 300 || rig.counts.gaps == 0)
  }

  /// The server was away for three seconds; its new stream counts on from where the old one stopped.
  @Test func reconnectWithoutPositionIsPlacedByTime() {
    let rig = ReframerRig()
    let end = rig.deliver(from: 0, to: 9600)
    let back = end + 3 * 48_000 + 123
    rig.run(until: Self.time(back))
    rig.write(256, number: back, position: end, flags: .discontinuity)
    rig.visit()
    for index in 1..<100 {
      let number = back + Int64(index) * 256
      rig.run(until: Self.time(number))
      rig.write(256, number: number, position: end + Int64(index) * 256)
      rig.visit()
    }
    #expect(rig.misplacement == 0...0)
    #expect(rig.counts.gaps == 1)
    #expect(rig.counts.lateFrames == 0)
  }

  /// A wake-up that comes late, with the right position, is no loss.
  @Test(arguments: [4, 9, 15, 19]) func lateWakeLosesNothing(milliseconds: Int64) {
    let rig = ReframerRig()
    var number: Int64 = 0
    for index in 0..<1000 {
      let late = index % 10 == 9 ? HostDuration.milliseconds(milliseconds) : .zero
      rig.run(until: Self.time(number) + late)
      rig.write(256, number: number, time: Self.time(number) + late)
      rig.visit()
      number += 256
    }
    #expect(rig.counts.gaps == 0)
    #expect(rig.counts.lateFrames == 0)
    #expect(rig.misplacement == 0...0)
  }

  /// A device that stands still without saying so: made good once it is clear that it lasts.
  @Test func stepThatLastsIsMadeGood() {
    let rig = ReframerRig()
    let end = rig.deliver(from: 0, to: 9600)
    for index in 0..<100 {
      let number = end + 720 + Int64(index) * 256
      rig.run(until: Self.time(number))
      rig.write(256, number: number, position: end + Int64(index) * 256)
      rig.visit()
    }
    #expect(rig.counts.gaps == 1)
    #expect(rig.packets.suffix(20).compactMap(\.misplacement).allSatisfy { abs($0.lowerBound) <= 5 })
  }

  /// Another driver's clock is 100 ms behind: the media may not run ahead of real time for ever.
  @Test func clockThatStepsBackIsFollowed() {
    let rig = ReframerRig()
    let end = rig.deliver(from: 0, to: 9600)
    rig.run(until: Self.time(end))
    var number = end - 4800
    while number < end + 24_000 {
      rig.write(256, number: number, position: number + 4800)
      rig.visit()
      number += 256
      rig.run(until: Self.time(number))
    }
    #expect(rig.packets.suffix(20).compactMap(\.misplacement).allSatisfy { abs($0.lowerBound) <= 5 })
    #expect(rig.brokenPositions == 0)
  }

  @Test func readerHeldUpForSecondsResumesFresh() {
    let rig = ReframerRig(capacity: 16_384)
    var number = rig.deliver(from: 0, to: 9600)
    let wakes = number + 5 * 48_000
    while number < wakes {
      rig.write(256, number: number)
      number += 256
    }
    #expect(rig.floodedFrames > 200_000, "the ring is bounded")
    rig.stallReader(until: Self.time(number))
    rig.forgetPackets()
    rig.visit()
    rig.deliver(from: number, to: number + 24_000)
    #expect(rig.counts.staleFrames >= 16_000)
    #expect(rig.misplacement == 0...0)
    #expect(rig.largestBurst <= 8)
    #expect(rig.packets.filter(\.isSound).allSatisfy { $0.age <= .milliseconds(46) })
    #expect(rig.brokenPositions == 0)
  }

  /// Held up for less than the limit: nothing is lost, everything comes a little late once.
  @Test func readerHeldUpForAMomentLosesNothing() {
    let rig = ReframerRig()
    var number = rig.deliver(from: 0, to: 9600)
    let wakes = number + 1536
    while number < wakes {
      rig.write(256, number: number)
      number += 256
    }
    rig.stallReader(until: Self.time(number))
    rig.deliver(from: number, to: number + 9600)
    #expect(rig.counts.staleFrames == 0)
    #expect(rig.misplacement == 0...0)
    #expect(rig.largestBurst <= 8)
  }
}
