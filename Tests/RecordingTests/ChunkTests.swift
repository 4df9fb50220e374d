import AudioCore
import CRenderGuard
import Glibc
import Recording
import TestSupport
import Testing

/// What is recorded is what came, to the frame, however the chunks are cut.
@Suite struct ChunkTests {
  @Test(arguments: [2, 6, 8], [SampleFormat.float32, .integer16, .integer24, .integer32])
  func everySampleComesBack(channels: Int, samples kind: SampleFormat) throws {
    let scratch = Scratch()
    let layout = try #require(ChannelLayout(channels: channels))
    let format = RecordingFormat(rate: SampleRate(hertz: 48_000), layout: layout, samples: kind)
    let fed = try HandFed(format, in: scratch.path, chunkBytes: 4096 * format.frameBytes)
    for round in 0..<60 {
      fed.feed([64, 441, 1024, 37][round % 4])
      if round % 3 == 0 { fed.recording.step(at: fed.now) }
    }
    #expect(fed.recording.finish(at: fed.now))
    let (reader, bytes) = try samples(of: fed.recording.terms.folder)
    #expect(reader.length == fed.position && reader.gaps.isEmpty && !reader.isGrowing)
    #expect(bytes.count == fed.position * format.frameBytes)
    #expect(Ramp.mismatch(bytes, format, from: 0) == nil)
    #expect(try reader.verify().isEmpty)
    // Each chunk but the last is full, and each begins where the one before ended.
    let heads = reader.chunkFacts.map(\.header)
    #expect(heads.dropLast().allSatisfy { $0.committed == 4096 })
    #expect(heads.map(\.firstFrame) == heads.indices.map { $0 * 4096 })
    #expect(fed.told.chunks.map(\.number) == Array(1...heads.count))
  }

  /// 64 KiB at 96 kHz and eight channels: a chunk every 21 ms.
  @Test func aThousandChunksLoseNothing() throws {
    let scratch = Scratch()
    let format = RecordingFormat(rate: SampleRate(hertz: 96_000), layout: .surround71, samples: .float32)
    let fed = try HandFed(format, in: scratch.path, chunkBytes: 65_536)
    let rounds = Breadth.rounds(short: 120, long: 1000)
    let perChunk = 65_536 / format.frameBytes
    let hits = render_guard_hits()
    fed.feed(256)
    var faults = 0
    while fed.recording.facts.frames < rounds * perChunk + 100 {
      let before = threadFaults()
      fed.feed(256)
      faults += threadFaults() - before
      if fed.position % 4096 == 0 { fed.recording.step(at: fed.now) }
    }
    #expect(fed.recording.finish(at: fed.now))
    #expect(faults == 0, "render took \(faults) page faults")
    #expect(render_guard_hits() == hits)
    let (reader, bytes) = try samples(of: fed.recording.terms.folder)
    #expect(reader.chunkFacts.count == rounds + 1)
    #expect(Ramp.mismatch(bytes, format, from: 0) == nil)
    #expect(reader.length == fed.position)
    let chunks = fed.told.chunks
    #expect(chunks.map(\.number) == Array(1...(rounds + 1)))
    #expect(zip(chunks, chunks.dropFirst()).allSatisfy { $0.position + $0.length == $1.position })
    #expect(fed.recording.facts.droppedFrames == 0)
  }

  /// Some of the channels alone, in an order of their own, whatever becomes of the rate.
  @Test(arguments: [48_000, 96_000]) func channelsArePickedByTheirLabels(hertz: Int) throws {
    let scratch = Scratch()
    let layout = try #require(ChannelLayout([.lowFrequency, .frontRight]))
    let format = RecordingFormat(rate: SampleRate(hertz: hertz), layout: layout, samples: .float32)
    let fed = try HandFed(
      format, in: scratch.path, chunkBytes: 1 << 16, sourceRate: SampleRate(hertz: 48_000), from: .surround51)
    for _ in 0..<20 {
      fed.feed(512) { channel, _ in Float(channel + 1) / 8 }
      fed.recording.step(at: fed.now)
    }
    #expect(fed.recording.finish(at: fed.now))
    let (reader, bytes) = try samples(of: fed.recording.terms.folder)
    #expect(reader.format.layout == layout && reader.length == fed.position * hertz / 48_000)
    let sound = bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    let middle = sound.count / 4 * 2
    // Places 3 and 1 of 5.1.
    #expect(abs(sound[middle] - 0.5) < 1e-4 && abs(sound[middle + 1] - 0.25) < 1e-4, "\(sound[middle...].prefix(2))")
    #expect(throws: RecordingError.self) {
      try HandFed(format, in: scratch.path + "/x", chunkBytes: 1 << 16, from: .stereo)
    }
  }

  @Test func aChunkIsCutWhenAsked() throws {
    let scratch = Scratch()
    let format = RecordingFormat(rate: .codec, layout: .stereo, samples: .integer16)
    let fed = try HandFed(format, in: scratch.path, chunkBytes: 1 << 20)
    for _ in 0..<3 {
      fed.feed(1000)
      fed.recording.switchChunk()
      #expect(fed.recording.step(at: fed.now))
    }
    fed.feed(500)
    #expect(fed.recording.finish(at: fed.now))
    let (reader, bytes) = try samples(of: fed.recording.terms.folder)
    #expect(reader.chunkFacts.map(\.header.committed) == [1000, 1000, 1000, 500])
    #expect(Ramp.mismatch(bytes, format, from: 0) == nil)
    // Sealed with their true length, and nothing is left beside them.
    var facts = stat()
    #expect(stat(reader.chunkFacts[0].path, &facts) == 0 && facts.st_size == 8192 + 4000)
    #expect(
      try Disk().list(fed.recording.terms.folder) == [
        "000001.chunk", "000002.chunk", "000003.chunk", "000004.chunk", "manifest",
      ])
    #expect(try Disk().list(fed.recording.terms.liveFolder).isEmpty)
  }

  @Test func aGrowingRecordingCanBeRead() throws {
    let scratch = Scratch()
    let format = RecordingFormat(rate: .codec, layout: .stereo, samples: .float32)
    let fed = try HandFed(format, in: scratch.path, chunkBytes: 1 << 16)
    for _ in 0..<50 {
      fed.feed(480)
      fed.recording.step(at: fed.now)
      let (reader, bytes) = try samples(of: fed.recording.terms.folder)
      #expect(reader.isGrowing && reader.length == fed.position)
      #expect(Ramp.mismatch(bytes, format, from: 0) == nil)
    }
    let (_, last) = try samples(of: fed.recording.terms.folder, .last(seconds: 0.1))
    #expect(last.count == 4800 * format.frameBytes)
    #expect(Ramp.mismatch(last, format, from: fed.position - 4800) == nil)
    #expect(fed.recording.finish(at: fed.now))
  }

  @Test func aSliceIsFoundByTheWallClock() throws {
    let scratch = Scratch()
    let format = RecordingFormat(rate: .codec, layout: .mono, samples: .integer24)
    let fed = try HandFed(format, in: scratch.path, chunkBytes: 14_400)
    for _ in 0..<100 {
      fed.feed(480)
      fed.recording.step(at: fed.now)
    }
    #expect(fed.recording.finish(at: fed.now))
    let reader = try RecordingReader(fed.recording.terms.folder)
    let start = try #require(reader.startedAt)
    let range = try reader.positions(of: .wall(from: start + 250_000_000, to: start + 500_000_000))
    #expect(abs(range.lowerBound - 12_000) <= 1 && abs(range.count - 12_000) <= 1)
    #expect(throws: RecordingError.self) { try reader.positions(of: .frames(48_000..<50_000)) }
  }

  @Test func sixteenAtOnceTakeNoFaults() throws {
    let scratch = Scratch()
    let format = RecordingFormat(rate: .codec, layout: .stereo, samples: .float32)
    let all = try (0..<16).map { try HandFed(format, in: scratch.path + "/\($0)", chunkBytes: 1 << 17) }
    for fed in all { fed.feed(256) }
    var faults = 0
    for round in 0..<Breadth.rounds(short: 200, long: 4000) {
      let before = threadFaults()
      for fed in all { fed.feed(256) }
      faults += threadFaults() - before
      if round % 10 == 0 { for fed in all { fed.recording.step(at: fed.now) } }
    }
    #expect(faults == 0)
    for fed in all {
      #expect(fed.recording.finish(at: fed.now))
      let (reader, bytes) = try samples(of: fed.recording.terms.folder)
      #expect(reader.length == fed.position && Ramp.mismatch(bytes, format, from: 0) == nil)
    }
  }

  @Test func aRateThatDiffersIsResampled() throws {
    let scratch = Scratch()
    let format = RecordingFormat(rate: .codec, layout: .mono, samples: .float32)
    let fed = try HandFed(format, in: scratch.path, chunkBytes: 1 << 16, sourceRate: SampleRate(hertz: 44_100))
    let hits = render_guard_hits()
    for _ in 0..<100 {
      fed.feed(441)
      fed.recording.step(at: fed.now)
    }
    fed.skip(44_100)
    fed.feed(441, flags: .discontinuity)
    #expect(render_guard_hits() == hits)
    #expect(fed.recording.finish(at: fed.now))
    let reader = try RecordingReader(fed.recording.terms.folder)
    let gap = try #require(reader.gaps.first)
    // A second, and what the filter held when it began.
    #expect(gap.position + gap.length == 96_000 && (48_000...48_200).contains(gap.length))
    #expect((96_300...96_480).contains(reader.length))
  }
}
