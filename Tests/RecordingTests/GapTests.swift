import AudioCore
import AudioIO
import Recording
import TestSupport
import Testing

/// Time goes on whatever happens: each frame stays where it belongs, and what is missing is told with its true length.
@Suite struct GapTests {
  let format = RecordingFormat(rate: .codec, layout: .stereo, samples: .integer24)

  /// A device that goes and comes back, under virtual time.
  @Test func aDeviceThatReturnsIsRecordedWhereItBelongs() throws {
    let scratch = Scratch()
    let rounds = Breadth.rounds(short: 5, long: 50)
    var script = FaultScript()
    for round in 0..<rounds { script.at(cycle: 40 + round * 100, .deviceLost(cycles: 7 + round * 13 % 50)) }
    let backend = OfflineBackend(
      .init(quantum: 256, layout: .stereo, faults: script) { Ramp.value($0, Int($1), bits: 24) })
    let told = Told()
    var terms = Recording.Terms(
      uri: "stream://offline", device: "offline", format: format, chunkBytes: 6 * 40_000,
      folder: scratch.path + "/take",
      liveFolder: scratch.path + "/live")
    terms.liveSeconds = 2
    let recording = try Recording(terms) { told.add($0) }
    let stream = try backend.open(
      StreamRequest(role: .capture(source: nil), name: "test", description: "test", layout: .stereo),
      client: recording.client
    ) { event in
      if case .state(.waiting) = event { recording.sourceIsAbsent(true) }
    }
    recording.begin()
    try stream.start()
    let cycles = 100 * rounds + 40
    for cycle in 0..<cycles {
      backend.advance()
      if cycle % 10 == 0 { recording.step(at: backend.now) }
    }
    stream.stop()
    #expect(recording.finish(at: backend.now))
    let (reader, bytes) = try samples(of: terms.folder)
    #expect(reader.gaps.count == rounds && reader.gaps.allSatisfy { $0.cause == .device })
    #expect(reader.length == cycles * 256)
    #expect(told.gaps.map(\.length) == reader.gaps.map(\.length))
    for (round, gap) in reader.gaps.enumerated() {
      #expect(gap.position == (40 + round * 100) * 256)
      #expect(gap.length == (7 + round * 13 % 50) * 256 - 256 || gap.length == (7 + round * 13 % 50) * 256)
    }
    let missing = reader.gaps
    #expect(
      Ramp.mismatch(bytes, format, from: 0) { position in
        missing.contains { $0.position <= position && position < $0.position + $0.length }
      } == nil)
    let skipped = try samples(of: terms.folder, gaps: .skip).1
    #expect(skipped.count / format.frameBytes == reader.frames)
    #expect(throws: RecordingError.self) { try samples(of: terms.folder, gaps: .refuse) }
  }

  /// Another clock than before, so that only time can tell.
  @Test func aGapIsToldByTheClockWherePositionsSayNothing() throws {
    let scratch = Scratch()
    let fed = try HandFed(format, in: scratch.path, chunkBytes: 6 * 4096)
    fed.feed(480)
    fed.now = fed.now + .seconds(3)
    // Positions go on as if nothing had been.
    fed.feed(480, flags: .discontinuity)
    #expect(fed.recording.finish(at: fed.now))
    let reader = try RecordingReader(fed.recording.terms.folder)
    #expect(reader.gaps.map(\.position) == [480] && reader.gaps.map(\.length) == [144_000])
  }

  @Test func aClocksUnrestIsNoGap() throws {
    let scratch = Scratch()
    let fed = try HandFed(format, in: scratch.path, chunkBytes: 6 * 4096)
    for round in 0..<20 {
      fed.now = fed.now + .microseconds(round % 2 == 0 ? 900 : -900)
      fed.feed(480, flags: .discontinuity)
    }
    #expect(fed.recording.finish(at: fed.now))
    #expect(try RecordingReader(fed.recording.terms.folder).gaps.isEmpty)
  }

  /// More holes than a chunk's head has room for, and than the memory can keep marks of.
  @Test func manyGapsAreAllTold() throws {
    let scratch = Scratch()
    let fed = try HandFed(format, in: scratch.path, chunkBytes: 6 * 65_536)
    for round in 0..<600 {
      fed.feed(16)
      fed.skip(5)
      if round % 100 == 99 { fed.recording.step(at: fed.now) }
    }
    fed.feed(16)
    #expect(fed.recording.finish(at: fed.now))
    let (reader, bytes) = try samples(of: fed.recording.terms.folder)
    #expect(reader.length == fed.position && reader.gaps.count == 600)
    #expect(Ramp.mismatch(bytes, format, from: 0) { $0 % 21 >= 16 } == nil)
  }

  /// The worker sleeps through more marks than there is room for: sound is lost, its place is not.
  @Test func marksThatFindNoRoomCostSoundAndNotTime() throws {
    let scratch = Scratch()
    let fed = try HandFed(format, in: scratch.path, chunkBytes: 6 * 65_536)
    for _ in 0..<300 {
      fed.feed(16)
      fed.skip(5)
    }
    fed.recording.step(at: fed.now)
    fed.feed(16)
    #expect(fed.recording.finish(at: fed.now))
    let reader = try RecordingReader(fed.recording.terms.folder)
    #expect(reader.length == fed.position)
    #expect(reader.frames == 129 * 16 + 16 && fed.recording.facts.droppedFrames == 171 * 16)
  }

  @Test func streamsThatStartTogetherBeginAtOneTime() throws {
    let scratch = Scratch()
    let start = HostTime(nanoseconds: 1_000_000_000 + 20_000_000)
    for (index, quantum) in [64, 333, 1024].enumerated() {
      let fed = try HandFed(format, in: scratch.path + "/\(index)", chunkBytes: 6 * 65_536, begins: false)
      if quantum < 960 { fed.feed(quantum) }
      fed.recording.begin(at: start)
      while fed.position < 48_000 { fed.feed(quantum) }
      #expect(fed.recording.finish(at: fed.now))
      let (reader, bytes) = try samples(of: fed.recording.terms.folder)
      #expect(reader.gaps.isEmpty)
      #expect(Ramp.mismatch(bytes, format, from: 960) == nil)
    }
    // One whose device was not there in time has its gap at the beginning.
    let late = try HandFed(format, in: scratch.path + "/late", chunkBytes: 6 * 65_536, begins: false)
    late.recording.begin(at: start)
    late.skip(9600)
    late.feed(480)
    #expect(late.recording.finish(at: late.now))
    let reader = try RecordingReader(late.recording.terms.folder)
    #expect(reader.gaps.map(\.length) == [9600 - 960] && reader.gaps.first?.cause == .lateStart)
  }
}

/// A recording that keeps only its end.
@Suite struct KeptTests {
  @Test func onlyTheNewestSecondsAreKept() throws {
    let scratch = Scratch()
    let format = RecordingFormat(rate: .codec, layout: .mono, samples: .integer24)
    let fed = try HandFed(format, in: scratch.path, chunkBytes: 3 * 12_000, keep: 2)
    for round in 0..<1000 {
      fed.feed(480)
      if round % 5 == 0 { fed.recording.step(at: fed.now) }
    }
    let reader = try RecordingReader(fed.recording.terms.folder)
    #expect(reader.gaps.isEmpty && reader.length - reader.begin >= 96_000 - 12_000)
    #expect(reader.chunkFacts.count <= 10)
    let (_, bytes) = try samples(of: fed.recording.terms.folder, .last(seconds: 1))
    #expect(bytes.count == 48_000 * 3 && Ramp.mismatch(bytes, format, from: reader.length - 48_000) == nil)
    #expect(fed.recording.finish(at: fed.now))
  }
}
