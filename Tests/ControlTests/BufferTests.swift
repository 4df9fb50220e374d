import Testing

@testable import Control

@Suite struct LineBufferTests {
  @Test func cutsLinesHoweverTheyArrive() {
    var random = Random(state: 7)
    let lines = (0..<2000).map { "line \($0) " + String(repeating: "x", count: Int(random.next() % 300)) }
    let stream = Array(lines.map { $0 + "\n" }.joined().utf8)
    var buffer = LineBuffer(maximumBytes: 1000)
    var taken: [String] = []
    var position = 0
    while position < stream.count {
      let end = min(stream.count, position + 1 + Int(random.next() % 700))
      buffer.append(stream[position..<end])
      position = end
      while let line = buffer.next() { taken.append(String(decoding: line, as: UTF8.self)) }
    }
    #expect(taken == lines)
    #expect(buffer.isEmpty)
  }

  @Test func tellsTooLongLines() {
    var buffer = LineBuffer(maximumBytes: 4)
    buffer.append([1, 2, 3, 4])
    #expect(buffer.isTooLong() == false)
    buffer.append([10])
    #expect(buffer.isTooLong() == false)
    #expect(buffer.next() == [1, 2, 3, 4])
    buffer.append([1, 2, 3, 4, 5])
    #expect(buffer.isTooLong() == true)
    buffer.append([10])
    #expect(buffer.isTooLong() == true)
  }

  @Test func givesTheRest() {
    var buffer = LineBuffer(maximumBytes: 4)
    buffer.append([1, 10, 2, 3])
    #expect(buffer.next() == [1])
    #expect(buffer.next() == nil)
    #expect(buffer.rest() == [2, 3])
    #expect(buffer.isEmpty)
  }
}

@Suite struct OutgoingQueueTests {
  private func event(_ topic: String, _ revision: Int, _ kind: EventBus.Kind, key: String? = nil, size: Int = 1)
    -> EventText
  {
    EventText(
      topic: topic, key: key, kind: kind, revision: revision, data: .string(String(repeating: "x", count: size)))
  }

  /// Everything that would be written, as parsed lines.
  private func drain(_ queue: inout OutgoingQueue) throws -> [JSON] {
    var bytes: [UInt8] = []
    while let (batch, start) = queue.next() {
      bytes += batch[start...]
      queue.advance(by: batch.count - start)
    }
    return try bytes.split(separator: 0x0A).map { try JSON.parse($0) }
  }

  @Test func stateEventsCoalesceByKeyAndRevisionsRise() throws {
    var queue = OutgoingQueue(limits: .init(bytes: 100_000))
    for revision in 1...1000 {
      #expect(queue.add(event("state", revision, .state, key: "k\(revision % 3)"), form: .canonical) == true)
    }
    let lines = try drain(&queue)
    #expect(lines.map { $0["rev"] } == [998, 999, 1000])
    #expect(lines.reduce(0) { $0 + ($1["coalesced"]?.intValue ?? 0) } == 997)
    #expect(queue.isEmpty)
    #expect(queue.waitingBytes == 0)
  }

  @Test func logEventsDropTheOldestAndSaySo() throws {
    var queue = OutgoingQueue(limits: .init(bytes: 100_000, logEvents: 8))
    for revision in 1...100 { #expect(queue.add(event("log", revision, .log), form: .canonical) == true) }
    var lines = try drain(&queue)
    #expect(lines.map { $0["rev"] } == (93...100).map { JSON($0) })
    #expect(lines.first?["dropped"] == 92)
    #expect(lines.last?["dropped"] == nil)
    #expect(queue.add(event("log", 101, .log), form: .canonical) == true)
    lines = try drain(&queue)
    #expect(lines.first?["dropped"] == nil)
    #expect(queue.lostEvents == 92)
  }

  @Test func logEventsNeverExceedTheBytes() throws {
    var queue = OutgoingQueue(limits: .init(bytes: 4000))
    for revision in 1...100 {
      #expect(queue.add(event("log", revision, .log, size: 500), form: .canonical) == true)
      #expect(queue.waitingBytes <= 4000)
    }
    // One that can never fit is dropped as well, and counted.
    #expect(queue.add(event("log", 101, .log, size: 5000), form: .canonical) == true)
    let lines = try drain(&queue)
    #expect(lines.reduce(0) { $0 + 1 + ($1["dropped"]?.intValue ?? 0) } <= 101)
    #expect(queue.add(event("log", 102, .log), form: .canonical) == true)
    let rest = try drain(&queue)
    #expect((lines + rest).reduce(0) { $0 + 1 + ($1["dropped"]?.intValue ?? 0) } == 102)
  }

  @Test func stateThatDoesNotFitIsRefused() {
    var queue = OutgoingQueue(limits: .init(bytes: 4000))
    var accepted = 0
    while queue.add(event("state", accepted, .state, key: "\(accepted)", size: 100), form: .canonical) {
      accepted += 1
      #expect(queue.waitingBytes <= 4000)
      guard accepted < 1000 else { break }
    }
    #expect(accepted > 10)
    #expect(accepted < 40)
  }

  @Test func aLinePartlyWrittenStaysWhole() throws {
    var queue = OutgoingQueue(limits: .init(bytes: 4000))
    queue.add(line: Array("{\"a\":1}\n".utf8))
    let first = queue.next()
    let (batch, start) = try #require(first)
    queue.advance(by: 3)
    queue.add(line: Array("{\"b\":2}\n".utf8))
    queue.removeEntries()
    let second = queue.next()
    let (again, place) = try #require(second)
    #expect(again == batch)
    #expect(place == start + 3)
  }

  @Test func flatEventsHaveTheirMembersBeside() throws {
    var queue = OutgoingQueue(limits: .init(bytes: 4000))
    func add(_ data: JSON) {
      #expect(queue.add(EventText(topic: "t", key: nil, kind: .log, revision: 5, data: data), form: .flat) == true)
    }
    add(["value": "running", "event": "not this"])
    add([:])
    add(7)
    #expect(
      try drain(&queue) == [
        ["event": "t", "rev": 5, "value": "running"], ["event": "t", "rev": 5], ["event": "t", "rev": 5, "data": 7],
      ])
  }
}

@Suite struct TimerQueueTests {
  private func at(_ nanoseconds: Int64) -> Monotonic { Monotonic(nanoseconds: nanoseconds) }

  @Test func timersComeInOrder() {
    var queue = TimerQueue<Int>()
    var random = Random(state: 3)
    let deadlines = (0..<500).map { _ in Int64(random.next() % 100) }
    for (number, deadline) in deadlines.enumerated() { _ = queue.add(at: at(deadline), every: nil, number) }
    var taken: [Int] = []
    while let due = queue.take(at: at(1000)) { taken.append(due.body) }
    #expect(taken == deadlines.indices.sorted { (deadlines[$0], $0) < (deadlines[$1], $1) })
    #expect(queue.count == 0)
    #expect(queue.next() == nil)
  }

  @Test func nothingIsTakenEarly() {
    var queue = TimerQueue<Int>()
    _ = queue.add(at: at(10), every: nil, 1)
    #expect(queue.take(at: at(9))?.body == nil)
    #expect(queue.next() == at(10))
    #expect(queue.take(at: at(10))?.body == 1)
  }

  @Test func periodicTimersKeepTheirRhythmWithoutBursts() {
    var queue = TimerQueue<Int>()
    let timer = queue.add(at: at(10), every: .nanoseconds(10), 1)
    #expect(queue.take(at: at(12))?.body == 1)
    #expect(queue.next() == at(20))
    #expect(queue.take(at: at(95))?.body == 1)
    #expect(queue.take(at: at(95))?.body == nil)
    #expect(queue.next() == at(100))
    queue.cancel(timer)
    queue.cancel(timer)
    #expect(queue.next() == nil)
  }

  @Test func cancelledTimersDoNotPileUp() {
    var queue = TimerQueue<Int>()
    for number in 0..<10_000 { queue.cancel(queue.add(at: at(1_000_000 + Int64(number)), every: nil, number)) }
    #expect(queue.count == 0)
    #expect(queue.slotCount < 200)
  }
}
