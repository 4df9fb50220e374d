import AudioCore
import Testing
import VirtualMic
import Wire

/// What no network and no player may bring a jitter buffer to do.
@Suite struct JitterBoundsTests {
  @Test func playerThatDoesNotAskGetsTheNewestOnReturn() {
    var line = Line()
    for index in 0..<1000 { line.deliver(line.header(), index: index, at: line.sent(index)) }
    #expect(line.buffer.depth <= 64)
    let played = line.play(until: line.sent(999))
    #expect(played.count <= 3)
    #expect(played.compactMap(\.index).allSatisfy { $0 >= 996 })
    #expect(line.buffer.statistics.skipped > 990)
  }

  @Test func floodIsBounded() {
    var line = Line()
    for index in 0..<500 { line.deliver(line.header(), index: index, at: line.start) }
    #expect(line.buffer.depth <= 64)
    #expect(line.buffer.targetDelay <= .milliseconds(5 * 48))
  }

  @Test func otherSenderWaitsUntilTheFirstIsSilent() {
    var line = Line()
    for index in 0..<50 {
      line.deliver(line.header(), index: index, at: line.sent(index))
      _ = line.play(until: line.sent(index))
    }
    let stranger = RTPHeader(payloadType: 97, sequence: 5, timestamp: 5, source: 10)
    #expect(line.deliver(stranger, index: 9, at: line.sent(50)) == .foreign)
    #expect(line.buffer.statistics.foreign == 1)
    #expect(line.deliver(stranger, index: 9, at: line.sent(50) + .milliseconds(300)) == .restarted)
    let played = line.play(until: line.sent(50) + .milliseconds(320))
    #expect(played.first == .packet(9))
  }

  @Test func jumpOfNumbersOrTimeIsANewBeginning() {
    var line = Line()
    for index in 0..<50 {
      line.deliver(line.header(), index: index, at: line.sent(index))
      _ = line.play(until: line.sent(index))
    }
    line.packetizer = RTPPacketizer(source: 9, sequence: 30_000, timestamp: 77)
    #expect(line.deliver(line.header(), index: 50, at: line.sent(50)) == .restarted)
    for index in 51..<100 {
      #expect(line.deliver(line.header(), index: index, at: line.sent(index)) == .accepted)
    }
    #expect(line.play(until: line.sent(100)).compactMap(\.index).count > 40)
    #expect(line.buffer.statistics.lost == 0 && line.buffer.statistics.restarts == 1)
  }

  @Test(arguments: [0, 5761, -1]) func impossibleLengthsAreRefused(_ frames: Int) {
    var buffer = JitterBuffer()
    let header = RTPHeader(payloadType: 97, sequence: 1, timestamp: 1, source: 1)
    let bytes: [UInt8] = [1, 2, 3]
    #expect(
      bytes.withUnsafeBytes {
        buffer.insert(header, payload: $0, frames: FrameCount(frames), at: HostTime(nanoseconds: 0))
      } == .foreign)
    let long = [UInt8](repeating: 0, count: JitterBuffer.payloadLimit + 1)
    #expect(
      long.withUnsafeBytes { buffer.insert(header, payload: $0, frames: 240, at: HostTime(nanoseconds: 0)) }
        == .foreign)
    #expect(buffer.depth == 0)
  }

  @Test(arguments: [300, -300] as [Int64]) func driftNeitherGrowsNorStarves(_ partsPerMillion: Int64) {
    var line = Line()
    var (played, random) = (0, Generator(state: 8))
    for index in 0..<60_000 {
      // The sender's clock runs off; the network adds up to 3 ms.
      let drift = HostDuration(nanoseconds: Int64(index) * 5 * partsPerMillion)
      let now = line.sent(index) + drift + .microseconds(Int64(random.below(3000)))
      line.deliver(line.header(), index: index, at: now)
      played += line.play(until: now).compactMap(\.index).count
      if index > 1000 { #expect(line.buffer.depth <= 5) }
    }
    #expect(line.buffer.statistics.late < 60)
    #expect(played > 59_900)
    #expect(line.buffer.targetDelay < .milliseconds(15))
  }

  /// Anything may arrive at any time, even time itself may stand still; what comes out stays ordered and bounded.
  @Test func fuzz() {
    var line = Line(JitterSettings(capacity: 32, delayLimit: 20))
    var random = Generator(state: 42)
    var now = line.start
    var kept: [RTPHeader] = []
    var outcomes = Set<Insertion>()
    for step in 0..<50_000 {
      now = now + .microseconds(Int64(random.below(10) == 0 ? random.below(40_000) : random.below(6000)))
      if random.below(3000) == 0 { now = now + .seconds(2) }
      var header = line.header()
      switch random.below(400) {
      case 0: line.packetizer.skip(FrameCount(random.below(100_000)))
      case 1: header.source = UInt32(random.below(3))
      case 2: header.sequence = UInt16(random.below(65_536))
      case 3: header.timestamp = UInt32(random.below(1 << 32))
      case 4...40: header = kept.isEmpty ? header : kept[random.below(kept.count)]
      default: break
      }
      kept.append(header)
      if kept.count > 40 { kept.removeFirst() }
      if random.below(20) > 0 { outcomes.insert(line.deliver(header, index: step, at: now)) }
      if random.below(15) > 0 {
        let played = line.play(until: now)
        // Never more than what is held plus what may be concealed before it counts as a pause, plus known silence.
        #expect(played.count < 3000)
        let made = played.reduce(0) { sum, one in if case .conceal = one { sum + 1 } else { sum } }
        #expect(made <= 64 + 52)
      }
      #expect(line.buffer.depth <= 32)
      #expect(line.buffer.targetDelay >= .milliseconds(5) && line.buffer.targetDelay <= .milliseconds(100))
    }
    #expect(outcomes == [.accepted, .duplicate, .late, .restarted, .foreign])
    let statistics = line.buffer.statistics
    #expect(statistics.played > 10_000)
    #expect(statistics.received >= statistics.played + statistics.late + statistics.duplicates)
  }
}
