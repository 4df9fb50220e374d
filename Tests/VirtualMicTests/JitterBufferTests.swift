import AudioCore
import Testing
import VirtualMic
import Wire

/// A sender and its clock, with the network between it and a buffer, all in virtual time.
struct Line {
  var buffer: JitterBuffer
  var packetizer = RTPPacketizer(source: 9, sequence: 65_500, timestamp: 0xFFFF_0000)
  var payload: [UInt8] = []
  let frames: FrameCount = 240
  let start = HostTime(nanoseconds: 1_000_000_000_000)

  init(_ settings: JitterSettings = JitterSettings()) { buffer = JitterBuffer(settings) }

  /// When packet `index` leaves the sender.
  func sent(_ index: Int) -> HostTime { start + .milliseconds(5) * Int64(index) }

  mutating func header() -> RTPHeader {
    var bytes = [UInt8](repeating: 0, count: packetizer.headerLength)
    return bytes.withUnsafeMutableBytes { packetizer.writeHeader(into: $0, frames: frames) }
  }

  /// The payload tells the packet's index.
  @discardableResult
  mutating func deliver(_ header: RTPHeader, index: Int, at time: HostTime) -> Insertion {
    let bytes = withUnsafeBytes(of: UInt32(index).littleEndian) { Array($0) }
    return bytes.withUnsafeBytes { buffer.insert(header, payload: $0, frames: frames, at: time) }
  }

  var index: Int { payload.reversed().reduce(0) { $0 << 8 | Int($1) } }

  /// Everything due up to and including `time`.
  mutating func play(until time: HostTime) -> [Played] {
    var played: [Played] = []
    while played.count < 10_000 {
      switch buffer.pull(at: time, into: &payload) {
      case .early, .idle: return played
      case .packet: played.append(.packet(index))
      case .conceal(let frames, let next): played.append(.conceal(frames.value, next: next ? index : nil))
      case .silence(let frames): played.append(.silence(frames.value))
      }
    }
    return played
  }
}

enum Played: Equatable {
  case packet(Int)
  case conceal(Int, next: Int?)
  case silence(Int)

  var index: Int? { if case .packet(let index) = self { index } else { nil } }
}

@Suite struct JitterBufferTests {
  /// One packet every 5 ms with the given delays in milliseconds (nil: lost), played every millisecond.
  static func run(_ line: inout Line, _ delays: [Int64?]) -> [Played] {
    var arrivals: [(at: HostTime, header: RTPHeader, index: Int)] = []
    for (index, delay) in delays.enumerated() {
      let header = line.header()
      if let delay { arrivals.append((line.sent(index) + .milliseconds(delay), header, index)) }
    }
    arrivals.sort { $0.at < $1.at }
    var played: [Played] = []
    let end = line.sent(delays.count)
    var (now, next) = (line.start, 0)
    while now < end {
      while next < arrivals.count, arrivals[next].at <= now {
        line.deliver(arrivals[next].header, index: arrivals[next].index, at: arrivals[next].at)
        next += 1
      }
      played += line.play(until: now)
      now = now + .milliseconds(1)
    }
    return played
  }

  @Test func steadyStreamPlaysAtOnePacketOfDelayAcrossTheWrap() {
    var line = Line()
    let played = Self.run(&line, Array(repeating: 3, count: 1000))
    #expect(played == (0..<played.count).map { .packet($0) })
    #expect(played.count >= 997)
    #expect(line.buffer.targetDelay == .milliseconds(5))
    #expect(line.buffer.jitter == .zero)
    let statistics = line.buffer.statistics
    #expect(statistics.lost == 0 && statistics.late == 0 && statistics.restarts == 0 && statistics.received == 1000)
  }

  @Test func nothingBeforeTheFirstPacket() {
    var line = Line()
    #expect(line.buffer.pull(at: line.start, into: &line.payload) == .idle)
    line.deliver(line.header(), index: 0, at: line.start)
    #expect(line.buffer.pull(at: line.start, into: &line.payload) == .early(until: line.start + .milliseconds(5)))
    #expect(line.play(until: line.start + .milliseconds(5)) == [.packet(0)])
  }

  @Test func oneLossIsConcealedInItsPlace() {
    var line = Line()
    var delays = [Int64?](repeating: 1, count: 100)
    delays[50] = nil
    delays[60] = nil
    delays[61] = nil
    let played = Self.run(&line, delays)
    let at = played.firstIndex { $0 == .packet(49) } ?? 0
    // The packet after it has just come: it is offered for recovery.
    #expect(played[(at + 1)...(at + 2)] == [.conceal(240, next: 51), .packet(51)])
    let pair = played.firstIndex { $0 == .packet(59) } ?? 0
    #expect(played[(pair + 1)...(pair + 3)] == [.conceal(240, next: nil), .conceal(240, next: 62), .packet(62)])
    #expect(played.compactMap(\.index) == (0..<100).filter { ![50, 60, 61].contains($0) && $0 < 99 })
    #expect(line.buffer.statistics.lost == 3)
    #expect(line.buffer.statistics.concealedFrames == 720)
  }

  @Test func lossWithTheNextPacketInHandOffersItForRecovery() {
    var line = Line()
    var headers = (0..<6).map { _ in line.header() }
    headers.remove(at: 3)
    // All at once, as after a delay: the delay then covers them.
    for (position, header) in headers.enumerated() {
      line.deliver(header, index: position < 3 ? position : position + 1, at: line.start)
    }
    let played = line.play(until: line.start + .milliseconds(100))
    #expect(played[3] == .conceal(240, next: 4))
    #expect(played[4] == .packet(4))
  }

  @Test func delayGrowsWithJitterAndShrinksAgain() {
    var line = Line()
    var random = Generator(state: 3)
    let rough = (0..<2000).map { _ in Int64?(Int64(random.below(40))) }
    let played = Self.run(&line, rough)
    #expect(line.buffer.targetDelay > .milliseconds(34))
    #expect(line.buffer.targetDelay < .milliseconds(60))
    // After it has learnt, nearly nothing is late.
    let learnt = played.compactMap(\.index).filter { $0 >= 500 }.count
    #expect(learnt > 1450)
    // The last few are still under way.
    #expect(line.buffer.statistics.lost <= 8)
    var calm = line
    for index in 2000..<7000 {
      let header = calm.header()
      calm.deliver(header, index: index, at: calm.sent(index))
      _ = calm.play(until: calm.sent(index))
    }
    #expect(calm.buffer.targetDelay < .milliseconds(8))
  }

  @Test func reorderingIsUndoneAndCounted() {
    var line = Line()
    // Every third packet overtaken by the one after it.
    let delays = (0..<900).map { Int64?($0 % 3 == 0 ? 7 : 1) }
    let played = Self.run(&line, delays).compactMap(\.index)
    #expect(played == played.sorted())
    #expect(line.buffer.statistics.reordered == 300)
    #expect(line.buffer.statistics.lost == 0)
    #expect(line.buffer.statistics.late <= 2)
  }

  @Test func duplicatesAreDropped() {
    var line = Line()
    var played: [Played] = []
    for index in 0..<200 {
      let header = line.header()
      #expect(line.deliver(header, index: index, at: line.sent(index)) == .accepted)
      #expect(line.deliver(header, index: index, at: line.sent(index)) == .duplicate)
      played += line.play(until: line.sent(index))
      // Also after it was played.
      if index > 5 { #expect(line.deliver(header, index: index, at: line.sent(index)) == .duplicate) }
    }
    #expect(played == (0..<played.count).map { .packet($0) })
    #expect(line.buffer.statistics.duplicates == 394)
  }

  @Test func latePacketIsDroppedAndNoLongerLost() {
    var line = Line()
    var held: RTPHeader?
    for index in 0..<100 {
      let header = line.header()
      if index == 50 { held = header } else { line.deliver(header, index: index, at: line.sent(index)) }
      _ = line.play(until: line.sent(index))
    }
    #expect(line.buffer.statistics.lost == 1)
    #expect(line.deliver(held!, index: 50, at: line.sent(100)) == .late)
    #expect(line.buffer.statistics.lost == 0 && line.buffer.statistics.late == 1)
  }

  @Test func afterAStallNothingStaleIsPlayed() {
    var line = Line()
    // Packets 200…399 are held up and come all at once with packet 400.
    let delays = (0..<800).map { Int64?(200..<400 ~= $0 ? Int64(400 - $0) * 5 : 0) }
    let played = Self.run(&line, delays)
    let indices = played.compactMap(\.index)
    #expect(indices.filter { 203..<398 ~= $0 } == [])
    #expect(indices.filter { $0 >= 400 }.count >= 398)
    // Concealed for the stall time only.
    #expect(line.buffer.statistics.concealedFrames <= 240 * 52)
    #expect(line.buffer.statistics.lost == 0 && line.buffer.statistics.late > 190)
    #expect(line.buffer.statistics.restarts == 0)
    // The stall is no jitter: the delay is what it was.
    #expect(line.buffer.targetDelay == .milliseconds(5))
  }

  @Test func longerWayIsFollowed() {
    var line = Line()
    let delays = (0..<800).map { Int64?($0 < 300 ? 2 : 702) }
    let played = Self.run(&line, delays).compactMap(\.index)
    #expect(line.buffer.statistics.restarts == 1)
    // 140 packets are behind at the end; all between the new beginning and then were played.
    #expect(played.last! >= 655)
    #expect(played.filter { $0 >= 400 } == Array(400...played.last!))
  }

  @Test func senderPauseIsSilenceNotLoss() {
    var line = Line()
    var played: [Played] = []
    var sent = 0
    for index in 0..<100 {
      if index == 40 { line.packetizer.skip(2400) }
      if !(40..<50 ~= index) {
        line.deliver(line.header(), index: sent, at: line.sent(index))
        sent += 1
      }
      played += line.play(until: line.sent(index))
    }
    #expect(played.compactMap(\.index) == Array(0..<sent - 1))
    #expect(line.buffer.statistics.lost == 0)
    // Nobody tells in advance that it is a pause: it sounds like missing packets until the next one comes.
    let filled = line.buffer.statistics.concealedFrames + line.buffer.statistics.silentFrames
    #expect(filled == 2400)
  }

  @Test func knownPauseHasTheRightLength() {
    var line = Line()
    for index in 0..<3 { line.deliver(line.header(), index: index, at: line.start) }
    line.packetizer.skip(500)
    line.deliver(line.header(), index: 3, at: line.start)
    let played = line.play(until: line.start + .milliseconds(100))
    #expect(
      played[..<7] == [
        .packet(0), .packet(1), .packet(2), .silence(240), .silence(240), .silence(20), .packet(3),
      ])
    #expect(line.buffer.statistics.lost == 0 && line.buffer.statistics.concealedFrames <= 240 * 20)
  }

  @Test func longPauseResumesAtOnce() {
    var line = Line()
    for index in 0..<100 {
      line.deliver(line.header(), index: index, at: line.sent(index))
      _ = line.play(until: line.sent(index))
    }
    // A minute.
    line.packetizer.skip(2_880_000)
    for index in 12_000..<12_010 { #expect(line.play(until: line.sent(index)).count <= 60) }
    #expect(line.buffer.pull(at: line.sent(12_090), into: &line.payload) == .idle)
    var played: [Played] = []
    for index in 12_100..<12_200 {
      #expect(line.deliver(line.header(), index: index, at: line.sent(index)) == .accepted)
      played += line.play(until: line.sent(index))
    }
    #expect(played.compactMap(\.index) == Array(12_100..<12_199))
    #expect(line.buffer.statistics.lost == 0 && line.buffer.statistics.restarts == 0)
  }
}

/// A small generator that gives the same numbers on every run.
struct Generator {
  var state: UInt64
  mutating func below(_ limit: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int((state >> 33) % UInt64(limit))
  }
}
