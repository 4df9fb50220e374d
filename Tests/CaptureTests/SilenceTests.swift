import AudioCore
import Capture
import Testing

/// While nothing is captured silence is sent on time; when sound returns it is where real time says.
@Suite struct SilenceTests {
  private static func time(_ frame: Int64) -> HostTime { ReframerRig.time(ofFrame: frame) }

  @Test func noCaptureAtAllIsSilenceAtFramePace() {
    let rig = ReframerRig()
    rig.run(until: ReframerRig.origin + .seconds(2))
    #expect(rig.packets.first?.sentAt == ReframerRig.origin + .milliseconds(20))
    #expect(rig.packets.first?.facts.position == 0)
    for (index, packet) in rig.packets.enumerated() {
      #expect(packet.sentAt == ReframerRig.origin + .milliseconds(20) + .milliseconds(5) * Int64(index))
      #expect(packet.facts.isSilence && !packet.isSound)
    }
    #expect(rig.packets.count == 396)
    #expect(rig.largestBurst == 1)
    rig.forgetPackets()
    rig.deliver(from: 96_000, to: 144_000)
    #expect(rig.misplacement == 0...0)
    #expect(rig.silentPackets.count <= 1, "one was due at that very moment")
  }

  @Test func firstBlockBeforeAnySilenceIsPositionZero() {
    let rig = ReframerRig()
    rig.deliver(from: 777, to: 48_000)
    #expect(rig.packets.first?.facts.position == 0)
    #expect(rig.counts.gaps == 0)
    #expect(rig.misplacement == -777 ... -777)
  }

  @Test(arguments: [120, 240, 480, 960], [1300, 1500, 4801, 100_000])
  func stallIsFilledAndSoundReturnsInPlace(frame: Int, stall: Int) throws {
    for isFlagged in [false, true] {
      let rig = ReframerRig(frame: frame)
      let end = rig.deliver(from: 0, to: 9600)
      let back = end + Int64(stall)
      rig.run(until: Self.time(back))
      let silence = rig.packets.filter { $0.sentAt >= Self.time(end) + .milliseconds(15) }
      let first = try #require(silence.first)
      #expect(first.sentAt == Self.time(end - 256) + FrameCount(256).duration(at: .codec) + .milliseconds(20))
      let pace = FrameCount(frame).duration(at: .codec)
      // The first may begin with the end of the sound, and then its silence lasts shorter.
      let second = silence.count > 1 ? silence[1].sentAt : first.sentAt + pace
      #expect(second > first.sentAt && second <= first.sentAt + pace)
      let paced = silence.dropFirst().enumerated().allSatisfy { $1.sentAt == second + pace * Int64($0) }
      #expect(paced)
      let due = Int((Self.time(back) - first.sentAt).nanoseconds / pace.nanoseconds)
      #expect(abs(silence.count - due - 1) <= 1, "as many packets as time passed")
      rig.deliver(256, number: back, flags: isFlagged ? .discontinuity : .none)
      rig.deliver(from: back + 256, to: back + 9600)
      #expect(rig.misplacement == 0...0)
      #expect(rig.brokenPositions == 0)
      #expect(rig.largestBurst <= max(2, 256 / frame + 1))
    }
  }

  /// Each stall alone is too short to skip for; they must not add up.
  @Test(arguments: [120, 240, 480, 960]) func manyStallsDoNotAddUp(frame: Int) {
    let rig = ReframerRig(frame: frame)
    var generator = SeededGenerator(seed: 7)
    var number: Int64 = 0
    for _ in 0..<200 {
      number = rig.deliver(from: number, to: number + 2400)
      number += Int64.random(in: 200...2500, using: &generator)
    }
    #expect(rig.misplacement == 0...0)
    #expect(rig.brokenPositions == 0)
  }

  @Test func silenceOfHoursThenSound() {
    let rig = ReframerRig(frame: 960)
    rig.keepsPackets = false
    rig.deliver(from: 0, to: 960, quantum: 960)
    let hours = Int64(2 * 3600 * 48_000)
    rig.run(until: Self.time(hours))
    #expect(rig.counts.silentFrames == UInt64(hours / 960) - 2, "all but the sound and the grace")
    #expect(rig.counts.gaps == 0)
    rig.keepsPackets = true
    rig.deliver(from: hours, to: hours + 9600)
    #expect(rig.misplacement == 0...0)
  }

  /// The capture was late, not gone: what silence has replaced is dropped, the rest is in place.
  @Test(arguments: [1000, 1300, 1700]) func lateBurstIsDroppedNotPlayedLate(stall: Int) {
    let rig = ReframerRig()
    let end = rig.deliver(from: 0, to: 9600)
    let back = end + Int64(stall)
    rig.run(until: Self.time(back))
    let sent = rig.silentPackets.count
    var number = end
    while number + 256 <= back {
      rig.write(256, number: number)
      number += 256
    }
    rig.visit()
    rig.deliver(from: number, to: number + 9600)
    #expect(rig.misplacement == 0...0)
    #expect(rig.brokenPositions == 0)
    #expect(sent == 0 || rig.counts.lateFrames > 0)
    #expect(rig.packets.filter(\.isSound).allSatisfy { $0.age <= .milliseconds(50) })
  }

  @Test func burstAfterLongStallIsThrownAway() {
    let rig = ReframerRig()
    let end = rig.deliver(from: 0, to: 9600)
    let back = end + 48_000
    rig.run(until: Self.time(back))
    rig.forgetPackets()
    for index in 0..<187 { rig.write(256, number: end + Int64(index) * 256) }
    rig.visit()
    rig.deliver(from: end + 187 * 256, to: back + 48_000)
    #expect(rig.counts.staleFrames > 40_000)
    #expect(rig.misplacement == 0...0)
    #expect(rig.largestBurst <= 8)
    #expect(rig.packets.filter(\.isSound).allSatisfy { $0.age <= .milliseconds(50) })
  }

  @Test func halfAFrameIsNotSentSecondsLater() {
    let rig = ReframerRig(frame: 960)
    rig.deliver(from: 0, to: 1024)
    rig.stallReader(until: ReframerRig.origin + .seconds(3))
    rig.forgetPackets()
    rig.visit()
    #expect(rig.packets.count <= 1)
    #expect(rig.packets.allSatisfy { !$0.isSound })
    #expect(rig.counts.staleFrames == 1024 % 960)
  }

  /// The position–time pair is what a picture is synchronised to: it must not jump when silence begins or ends.
  @Test func captureTimesStayOnOneLine() {
    let rig = ReframerRig()
    let end = rig.deliver(from: 0, to: 9600)
    rig.deliver(from: end + 20_000, to: end + 40_000)
    for packet in rig.packets {
      let line = Self.time(packet.facts.position)
      #expect(abs((packet.facts.captureTime - line).milliseconds) < 0.05)
    }
  }
}
