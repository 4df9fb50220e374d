import AudioCore
import Capture
import TestSupport
import Testing

/// The law alone, over spans that no test could wait for.
@Suite struct TimelineTests {
  /// A device whose clock is wrong for a whole day: nothing is ever skipped or dropped.
  @Test(arguments: Breadth.of([-500.0, 500, -100, 100, 0], brief: [-500, 100]), [1024, 8192])
  func driftOfADayIsNeverActedOn(ppm: Double, quantum: Int) {
    let frame: FrameCount = 240
    var timeline = MediaTimeline(frame: frame, start: ReframerRig.origin)
    let period = Double(quantum) * 1e9 / 48_000 / (1 + ppm * 1e-6)
    let cycles = 24 * 3600 * 48_000 / quantum
    var assembled = 0
    var acted = 0
    for cycle in 0..<cycles {
      let time = ReframerRig.origin + HostDuration(nanoseconds: Int64(Double(cycle) * period))
      let mark = CycleMark(
        start: cycle * quantum, frames: quantum, time: time, position: Int64(cycle * quantum), quantum: quantum,
        flags: .none)
      if timeline.begin(mark, assembled: FrameCount(assembled)) != .none { acted += 1 }
      assembled += quantum
      while assembled >= 240 {
        timeline.advance()
        assembled -= 240
      }
    }
    #expect(acted == 0)
    #expect(timeline.next + Int64(assembled) == Int64(cycles * quantum))
    #expect(!timeline.isSilent)
  }

  @Test(arguments: [120, 240, 480, 960]) func silenceOfDaysKeepsPace(frame: Int) {
    var timeline = MediaTimeline(frame: FrameCount(frame), start: ReframerRig.origin)
    let packets = 2 * 24 * 3600 * 48_000 / frame / 10
    for _ in 0..<packets {
      let (skipped, _) = timeline.advanceSilence(at: timeline.silenceDue, assembled: 0)
      guard skipped == 0 else {
        Issue.record("skipped in silence that was on time")
        return
      }
      timeline.advance()
    }
    let passed = FrameCount(packets * frame).duration(at: .codec)
    #expect(timeline.silenceDue == ReframerRig.origin + .milliseconds(20) + passed)
    #expect(timeline.next == Int64(packets * frame))
  }

  @Test func silenceThatIsLateSkipsInsteadOfBursting() {
    var timeline = MediaTimeline(frame: 240, start: ReframerRig.origin)
    let now = ReframerRig.origin + .milliseconds(1020)
    let (skipped, time) = timeline.advanceSilence(at: now, assembled: 0)
    #expect(skipped == 48_000)
    #expect(time == ReframerRig.origin + .seconds(1))
    #expect(timeline.next == 48_000)
    #expect(timeline.silenceDue == now + .milliseconds(5))
  }

  /// Everything at once, at random: packets stay on the grid, and sound stays where real time says.
  @Test(arguments: (1...UInt64(Breadth.rounds(short: 8, long: 24))).map { $0 }) func randomTroubleStaysInBounds(
    seed: UInt64
  ) {
    var generator = SeededGenerator(seed: seed)
    let frame = [120, 240, 480, 960][Int(seed) % 4]
    let rig = ReframerRig(frame: frame, capacity: 32_768)
    var quantum = 256
    // The first block is where the media begins.
    var number = rig.deliver(from: 0, to: 2000)
    for _ in 0..<600 {
      switch Int.random(in: 0..<12, using: &generator) {
      case 0: quantum = [16, 64, 256, 1000, 1024, 8192].randomElement(using: &generator)!
      case 1:
        number += Int64.random(in: 1...3, using: &generator) * Int64(quantum)
        rig.deliver(quantum, number: number, flags: .discontinuity)
        number += Int64(quantum)
      case 2:
        number += Int64.random(in: 1...30_000, using: &generator)
        rig.deliver(quantum, number: number, flags: .discontinuity)
        number += Int64(quantum)
      case 3:
        let wakes = number + Int64.random(in: 1...60_000, using: &generator)
        while number < wakes {
          rig.write(quantum, number: number)
          number += Int64(quantum)
        }
        rig.stallReader(until: ReframerRig.time(ofFrame: number))
        rig.visit()
      default: number = rig.deliver(from: number, to: number + 2000, quantum: quantum)
      }
    }
    #expect(rig.brokenPositions == 0)
    let worst = rig.misplacement ?? 0...0
    #expect(worst == 0...0)
    let limit = HostDuration.milliseconds(41) + FrameCount(8192).duration(at: .codec)
    #expect(rig.packets.allSatisfy { $0.age <= limit })
    // Held up, the reader sends no more than the limit allows, beside what one block of the device holds.
    #expect(rig.largestBurst <= (1920 + 2 * 8192) / frame + 2)
  }
}
