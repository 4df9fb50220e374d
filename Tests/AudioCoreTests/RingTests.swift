import AudioCore
import Synchronization
import Testing

/// Ends of a ring held by threads of a test.
final class RingBox: @unchecked Sendable {
  var writer: AudioRing.Writer
  var reader: AudioRing.Reader

  init(channels: Int, capacity: Int, marks: Int = 1024) {
    var writer = AudioRing.Writer(channels: channels, minimumCapacity: FrameCount(capacity), marks: marks)
    reader = writer.makeReader()
    self.writer = writer
  }

  var isWanted: Bool { writer.isWanted }
  func want(_ frames: Int) -> Bool { reader.want(FrameCount(frames)) }

  /// Channel c of frame n holds n + c / 8 modulo a power of two that floats count exactly.
  static func sample(_ frame: Int, _ channel: Int) -> Float { Float(frame & 0xF_FFFF) + Float(channel) / 8 }

  func write(_ frames: Int, from number: Int, flags: CycleFlags = .none) -> Bool {
    guard let span = writer.reserve(frames) else { return false }
    for channel in 0..<writer.channels {
      for index in 0..<frames {
        let offset = index < span.firstCount ? span.first + index : index - span.firstCount
        writer.pointer(channel: channel, offset: offset).pointee = Self.sample(number + index, channel)
      }
    }
    return writer.commit(
      frames, time: HostTime(nanoseconds: Int64(number)), position: Int64(number), quantum: frames, flags: flags)
  }

  /// Reads frames and returns how many samples are not what was written.
  func read(_ frames: Int, from number: Int) -> Int {
    let channels = reader.channels
    let target = UnsafeMutablePointer<Float>.allocate(capacity: frames * channels)
    defer { target.deallocate() }
    guard reader.readInterleaved(FrameCount(frames), order: Array(0..<channels), into: target) else { return -1 }
    var wrong = 0
    for frame in 0..<frames {
      for channel in 0..<channels
      where target[frame * channels + channel] != Self.sample(number + frame, channel) {
        wrong += 1
      }
    }
    return wrong
  }
}

@Suite struct AudioRingTests {
  @Test(arguments: [1, 2, 6, 8]) func rampSurvivesRandomBlocksAndWraps(channels: Int) {
    let ring = RingBox(channels: channels, capacity: 1000)
    #expect(ring.writer.capacity == 1024)
    var (written, read) = (0, 0)
    for _ in 0..<20_000 {
      let block = Int.random(in: 1...700)
      let fits = block <= 1024 - (written - read)
      let wrote = ring.write(block, from: written)
      guard wrote == fits else {
        Issue.record("a block of \(block) with \(written - read) filled: \(wrote)")
        return
      }
      if wrote { written += block }
      #expect(ring.reader.available.value == written - read)
      let wanted = Int.random(in: 0...(written - read))
      #expect(ring.read(wanted, from: read) == 0)
      read += wanted
      #expect(ring.reader.position == read)
    }
    #expect(written > 1024 * 100)
  }

  @Test func refusalChangesNothing() {
    let ring = RingBox(channels: 2, capacity: 64)
    #expect(ring.write(60, from: 0))
    #expect(!ring.write(5, from: 60))
    #expect(ring.reader.available == 60)
    #expect(ring.write(4, from: 60))
    #expect(ring.read(65, from: 0) == -1)
    #expect(ring.read(64, from: 0) == 0)
    #expect(!ring.write(65, from: 64), "more than the ring ever holds")
  }

  @Test func readerIsWokenForWhatItWants() {
    let ring = RingBox(channels: 1, capacity: 1024)
    #expect(ring.write(1, from: 0))
    #expect(ring.isWanted, "a reader that says nothing wants everything")
    #expect(!ring.want(240))
    #expect(ring.write(128, from: 1))
    #expect(!ring.isWanted)
    #expect(ring.read(129, from: 0) == 0)
    // Part of a frame has been taken already: the rest is enough.
    #expect(!ring.want(111))
    #expect(ring.write(110, from: 129))
    #expect(!ring.isWanted)
    #expect(ring.write(1, from: 239))
    #expect(ring.isWanted)
    #expect(ring.want(111), "what is there already wakes nobody")
  }

  @Test func markTellsTheBlockOfTheNextFrame() {
    let ring = RingBox(channels: 1, capacity: 1024)
    #expect(ring.reader.mark() == nil)
    for index in 0..<3 { #expect(ring.write(100, from: index * 100, flags: index == 1 ? .discontinuity : .none)) }
    #expect(ring.reader.mark()?.start == 0)
    #expect(ring.read(99, from: 0) == 0)
    #expect(ring.reader.mark()?.start == 0)
    #expect(ring.read(1, from: 99) == 0)
    let second = ring.reader.mark()
    #expect(second?.start == 100 && second?.frames == 100 && second?.flags == .discontinuity)
    #expect(second?.time == HostTime(nanoseconds: 100) && second?.position == 100 && second?.quantum == 100)
    ring.reader.release(150)
    #expect(ring.reader.mark()?.start == 200)
    #expect(ring.read(50, from: 250) == 0)
    #expect(ring.reader.mark() == nil)
  }

  @Test func fullMarksRefuseAndRecover() {
    let ring = RingBox(channels: 1, capacity: 4096, marks: 16)
    for index in 0..<16 { #expect(ring.write(1, from: index)) }
    #expect(!ring.write(1, from: 16))
    #expect(ring.reader.available == 16, "samples without a mark are never published")
    #expect(ring.read(16, from: 0) == 0)
    #expect(ring.write(1, from: 16))
    #expect(ring.read(1, from: 16) == 0)
  }

  @Test func twoThreadsUnderLoad() async {
    let ring = RingBox(channels: 2, capacity: 2048, marks: 64)
    let total = 3_000_000
    let writer = Task.detached {
      var number = 0
      var refused = 0
      while number < total {
        let block = min(1 + (number &* 7919) % 512, total - number)
        if ring.write(block, from: number) { number += block } else { refused += 1 }
        if refused % 64 == 63 { await Task.yield() }
      }
    }
    let reader = Task.detached {
      var (number, wrong, badMarks) = (0, 0, 0)
      while number < total {
        let available = ring.reader.available.value
        if available == 0 { await Task.yield() }
        let wanted = min(available, 1 + (number &* 104_729) % 700)
        guard wanted > 0 else { continue }
        let mark = ring.reader.mark()
        if mark.map({ $0.position != Int64($0.start) || $0.start > number || $0.start + $0.frames <= number }) ?? true {
          badMarks += 1
        }
        wrong += ring.read(wanted, from: number)
        number += wanted
      }
      return (wrong, badMarks)
    }
    await writer.value
    let (wrong, badMarks) = await reader.value
    #expect(wrong == 0)
    #expect(badMarks == 0)
  }

  /// Either end may go first, with the other still at work. A double free ends the process.
  @Test func endsGoInAnyOrder() {
    for index in 0..<2000 {
      var writer = AudioRing.Writer(channels: 8, minimumCapacity: 4096)
      if index % 3 == 0 { continue }
      let reader = writer.makeReader()
      if index % 3 == 1 {
        _ = consume writer
        #expect(reader.available == 0)
        _ = consume reader
      } else {
        _ = consume reader
        let span = writer.reserve(16)
        #expect(span?.count == 16)
      }
    }
  }
}

@Suite struct EventRingTests {
  @Test func recordsComeInOrderAndFullRefuses() {
    var writer = EventRing.Writer<Int>(minimumCapacity: 100)
    var reader = writer.makeReader()
    var (pushed, popped) = (0, 0)
    for _ in 0..<10_000 {
      for _ in 0..<Int.random(in: 0...90) {
        let accepted = writer.push(pushed)
        #expect(accepted == (pushed - popped < 128))
        if accepted { pushed += 1 }
      }
      for _ in 0..<Int.random(in: 0...90) {
        let peeked = reader.peek()
        let record = reader.pop()
        #expect(record == peeked)
        guard let record else { break }
        #expect(record == popped)
        popped += 1
      }
    }
    #expect(popped > 100_000)
  }

  @Test func endsGoInAnyOrder() {
    for index in 0..<1000 {
      var writer = EventRing.Writer<CycleRecord>(minimumCapacity: 16)
      if index % 3 == 0 { continue }
      var reader = writer.makeReader()
      let pushed = writer.push(CycleRecord(kind: .missed, time: HostTime(nanoseconds: 1), value: 7))
      #expect(pushed)
      if index % 3 == 1 {
        _ = consume writer
        #expect(reader.pop()?.value == 7)
      } else {
        _ = consume reader
      }
    }
  }
}
