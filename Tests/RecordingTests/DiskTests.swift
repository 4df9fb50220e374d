import AudioCore
import Glibc
import Recording
import TestSupport
import Testing

/// What a disk does is no matter of render's.
@Suite struct DiskTests {
  let format = RecordingFormat(rate: .codec, layout: .stereo, samples: .float32)

  /// Two seconds in which nothing is written.
  @Test func aDiskThatStandsStillLosesNothing() throws {
    let scratch = Scratch()
    let fed = try HandFed(format, in: scratch.path, chunkBytes: 1 << 17)
    for round in 0..<1000 {
      fed.feed(480)
      if !(200..<400).contains(round) { fed.recording.step(at: fed.now) }
    }
    #expect(fed.recording.finish(at: fed.now))
    let (reader, bytes) = try samples(of: fed.recording.terms.folder)
    #expect(reader.gaps.isEmpty && reader.length == 480_000)
    #expect(Ramp.mismatch(bytes, format, from: 0) == nil)
  }

  @Test(arguments: [DiskError.Cause.full, .quota, .readOnly])
  func aDiskThatRefusesIsTriedAgain(cause: DiskError.Cause) throws {
    let scratch = Scratch()
    let disk = FaultyDisk()
    let fed = try HandFed(format, in: scratch.path, chunkBytes: 1 << 17, disk: disk, seconds: 1)
    for round in 0..<1500 {
      if round == 100 { disk.set { $0.refusal = cause } }
      if round == 130 { disk.set { $0.refusal = nil } }
      // This time for longer than the memory lasts.
      if round == 500 { disk.set { $0.refusal = cause } }
      if round == 1000 { disk.set { $0.refusal = nil } }
      fed.feed(480)
      if round % 5 == 0 { fed.recording.step(at: fed.now) }
    }
    #expect(fed.recording.finish(at: fed.now))
    #expect(fed.told.troubles.map(\.cause) == [cause, cause])
    #expect(fed.told.events.filter { $0 == .recovered }.count == 2)
    let (reader, bytes) = try samples(of: fed.recording.terms.folder)
    // One hole, of the disk's, and all else where it belongs.
    #expect(reader.length == 1500 * 480)
    let gap = try #require(reader.gaps.first)
    #expect(reader.gaps.count == 1 && gap.cause == .disk)
    #expect(gap.length == fed.recording.facts.droppedFrames && gap.length > 120_000)
    #expect(
      Ramp.mismatch(bytes, format, from: 0) { $0 >= gap.position && $0 < gap.position + gap.length } == nil)
    #expect(try reader.verify().isEmpty)
  }

  /// The chunk at hand goes on while the next cannot be made.
  @Test func aChunkThatCannotBeMadeIsToldBeforeItIsNeeded() throws {
    let scratch = Scratch()
    let disk = FaultyDisk()
    let fed = try HandFed(format, in: scratch.path, chunkBytes: 1 << 17, disk: disk)
    fed.feed(480)
    disk.set { $0.creation = .full }
    fed.recording.step(at: fed.now)
    #expect(fed.told.troubles.map(\.cause) == [.full])
    #expect(fed.recording.facts.savedFrames == 480)
    disk.set { $0.creation = nil }
    fed.feed(48_000 / 100)
    fed.skip(48_000)
    #expect(fed.recording.finish(at: fed.now))
  }

  @Test func whatCannotWorkIsSaidByField() throws {
    let scratch = Scratch()
    func field(_ change: (inout Recording.Terms) -> Void) -> String? {
      var terms = Recording.Terms(
        uri: "stream://x", device: "d", format: format, chunkBytes: 65_536, folder: scratch.path + "/x",
        liveFolder: scratch.path + "/live")
      change(&terms)
      do throws(RecordingError) {
        _ = try Recording(terms) { _ in }
        return nil
      } catch { return error.field }
    }
    #expect(field { $0.chunkBytes = 4088 } == "chunk_bytes")
    #expect(field { $0.chunkBytes = 65_537 } == "chunk_bytes")
    #expect(field { $0.folder = "relative" } == "path")
    #expect(field { $0.folder = "/proc/nothing/here" } == "path")
    #expect(field { $0.uri = "" } == "uri")
    #expect(field { $0.format.rate = SampleRate(hertz: 1) } == "format.sample_rate")
    let file = scratch.path + "/file"
    try Disk().append([0], to: file)
    #expect(field { $0.folder = file } == "path")
    #expect(field { _ in } == nil)
    // There is one now.
    #expect(field { _ in } == "path")
    // Nothing is left of what was refused.
    #expect(try Disk().list(scratch.path + "/live").count <= 1)
  }
}
