import AudioCore
import AudioIO
import Testing

@testable import VirtualMic

/// From a talker's packets to a recorder: every clock its own, a network in between.
@Suite struct UplinkTests {
  final class Rig {
    let feed: FeedRig
    let talker = TalkerPlayout()
    let lane: SourceLane
    var due: HostTime?

    init(quantum: Int, ppm: Double) throws {
      feed = try FeedRig(quantum: quantum, ppm: ppm)
      lane = try #require(feed.feed.openLane())
    }

    func step(_ time: HostTime) {
      feed.run(until: time)
      due = talker.step(at: time) { #expect(lane.push($0, at: time)) }
    }

    /// Delivers a packet, after whatever is due before it.
    func deliver(_ frame: MicFrame, at time: HostTime) {
      wait(until: time)
      feed.run(until: time)
      talker.insert(frame, at: time)
      step(time)
    }

    func wait(until time: HostTime) { while let next = due, next < time { step(next) } }
  }

  static let start = HostTime(nanoseconds: 3_000_000_000)

  /// Mouth to node: a packet, a packet that may carry the lost one, a quantum and little more.
  @Test(arguments: [64, 256, 1024], [-200.0, 200]) func mouthToNode(quantum: Int, ppm: Double) throws {
    let rig = try Rig(quantum: quantum, ppm: -ppm / 2)
    var source = TalkerSource()
    source.signal = { $0 % 48_000 == 0 ? 0.9 : 0.01 }
    var dice = Dice(8)
    let second = 1e9 / (1 + ppm / 2 * 1e-6)
    var sent: [Double] = []
    for index in 0..<6000 {
      if index % 50 == 0 { sent.append(Double(index / 50) * second) }
      let ready = Double(index + 1) / 50 * second
      let time = Self.start + HostDuration(nanoseconds: Int64(ready + dice.next() * 1e6))
      rig.deliver(source.next(), at: time)
    }
    let graph = 48_000 * (1 - ppm / 2 * 1e-6)
    let marks = rig.feed.heard[0].enumerated().filter { $1 > 0.4 }.map { Double($0.offset) / graph * 1e9 }
    #expect(marks.count >= 118)
    for mark in marks {
      let spoken = sent.last { $0 + Double(Self.start.nanoseconds) < mark } ?? 0
      let delay = (mark - spoken - Double(Self.start.nanoseconds)) / 1e6
      #expect(delay < 20 + 20 + Double(quantum) / 48 + 8, "\(delay) ms")
    }
    #expect(rig.lane.report.underruns == 0 && rig.lane.report.primes == 1)
    #expect(rig.talker.report.concealedFrames == 0)
    #expect(abs(rig.talker.report.senderPPM - ppm / 2) < 40)
    #expect(abs(rig.lane.report.ppm - ppm) < 60, "\(rig.lane.report.ppm)")
  }

  /// Talk and silence, jitter and loss: every word begins and ends softly, and silence costs nothing.
  @Test func aConversation() throws {
    let rig = try Rig(quantum: 512, ppm: 80)
    var source = TalkerSource(.speech)
    source.signal = voice
    var dice = Dice(31)
    var time = 0.0
    var steps = 0
    for _ in 0..<40 {
      for _ in 0..<75 {
        let frame = source.next()
        if dice.next() > 0.03 {
          rig.deliver(frame, at: Self.start + HostDuration(nanoseconds: Int64((time + dice.next() * 8) * 1e6)))
        }
        time += 20
      }
      rig.deliver(
        MicFrame(sequence: source.sequence, timestamp: source.timestamp, body: .pause),
        at: Self.start + HostDuration(nanoseconds: Int64((time + 9) * 1e6)))
      source.sequence &+= 1
      source.rest(100)
      time += 2000
      rig.wait(until: Self.start + HostDuration(nanoseconds: Int64((time - 50) * 1e6)))
      if rig.due == nil { steps += 1 }
    }
    #expect(steps == 40)
    let talker = rig.talker.report
    #expect(
      talker.restarts == 0 && talker.garbage == 0 && talker.recoveredFrames > talker.lost * 960 * 6 / 10, "\(talker)")
    #expect(rig.lane.report.underruns <= 2, "\(rig.lane.report)")
    #expect((35...55).contains(rig.lane.report.primes), "\(rig.lane.report)")
    var report = talker
    report.add(rig.lane.report)
    #expect(report.state == .paused && report.underruns == UInt64(rig.lane.report.underruns))
    let silent = rig.feed.heard[0].count { $0 == 0 }
    #expect(silent > 60 * 48_000 && silent < 90 * 48_000)
  }
}
