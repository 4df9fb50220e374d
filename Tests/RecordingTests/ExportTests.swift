import AudioCore
import CSoundFileSystem
import Glibc
import Recording
import TestSupport
import Testing

/// A recording as a sound file, judged by libsndfile and others.
@Suite struct ExportTests {
  @Test(arguments: [SampleFormat.float32, .integer16, .integer24, .integer32], [2, 6])
  func wavAndFLACHaveTheSameSamples(samples kind: SampleFormat, channels: Int) throws {
    let scratch = Scratch()
    let format = RecordingFormat(
      rate: .codec, layout: try #require(ChannelLayout(channels: channels)), samples: kind)
    let fed = try HandFed(format, in: scratch.path, chunkBytes: 4096 * format.frameBytes)
    for _ in 0..<100 { fed.feed(480) }
    #expect(fed.recording.finish(at: fed.now))
    let reader = try RecordingReader(fed.recording.terms.folder)
    let (_, bytes) = try samples(of: fed.recording.terms.folder, .frames(1000..<40_000))
    for file in [SoundFileKind.wav, .flac] {
      let path = scratch.path + "/take." + file.rawValue
      let export = try RecordingExport(reader, .frames(1000..<40_000))
      // Its encoder has no floats and no 32 bits.
      if file == .flac, kind == .float32 || kind == .integer32 {
        #expect(throws: RecordingError.self) { try export.write(to: path, kind: file) }
        #expect(access(path, F_OK) != 0 && access(path + ".part", F_OK) != 0)
        continue
      }
      try export.write(to: path, kind: file)
      var facts = SF_INFO()
      let open = try #require(sf_open(path, Int32(SFM_READ), &facts))
      defer { sf_close(open) }
      #expect(facts.frames == 39_000 && facts.samplerate == 48_000 && Int(facts.channels) == channels)
      let count = 39_000 * channels
      var matches = true
      if kind == .float32 {
        var found = [Float](repeating: 0, count: count)
        #expect(sf_readf_float(open, &found, 39_000) == 39_000)
        matches = found.withUnsafeBytes { $0.elementsEqual(bytes) }
      } else {
        var found = [Int32](repeating: 0, count: count)
        #expect(sf_readf_int(open, &found, 39_000) == 39_000)
        let size = kind.bytes
        for index in 0..<count where matches {
          let value = (0..<size).reduce(UInt32(0)) {
            $0 | UInt32(bytes[index * size + $1]) << UInt32(32 - 8 * size + 8 * $1)
          }
          matches = found[index] == Int32(bitPattern: value)
        }
      }
      #expect(matches, "\(file) \(kind)")
    }
  }

  /// Another reader's opinion.
  @Test func ffmpegReadsTheSame() throws {
    let scratch = Scratch()
    let format = RecordingFormat(rate: .codec, layout: .surround51, samples: .integer24)
    let fed = try HandFed(format, in: scratch.path, chunkBytes: 1 << 18 - (1 << 18) % 18)
    for _ in 0..<1000 { fed.feed(480) }
    #expect(fed.recording.finish(at: fed.now))
    let reader = try RecordingReader(fed.recording.terms.folder)
    let path = scratch.path + "/ten.wav"
    var steps: [Int] = []
    try RecordingExport(reader, .all).write(to: path, kind: .wav) { steps.append($0) }
    #expect(steps.last == 480_000 && steps == steps.sorted())
    let decoded = try Child.run(["ffmpeg", "-v", "error", "-i", path, "-f", "s24le", "-y", scratch.path + "/raw"])
    #expect(decoded.status == 0 && decoded.standardError.isEmpty)
    let (_, bytes) = try samples(of: fed.recording.terms.folder)
    let raw = try Disk().open(scratch.path + "/raw", forWriting: false)
    #expect(try raw.size == bytes.count)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
    defer { buffer.deallocate() }
    #expect(try raw.read(into: buffer, at: 0) == bytes.count)
    #expect(buffer.elementsEqual(bytes))
  }

  @Test func aStoreKeepsChunksByWhatTheyContain() throws {
    let scratch = Scratch()
    let disk = Disk()
    let file = scratch.path + "/a"
    try disk.append(Array("abc".utf8), to: file)
    let store = ContentStore(scratch.path + "/store")
    let name = try store.add(file)
    #expect(name == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(try store.add(file) == name)
    #expect(access(scratch.path + "/store/ba/" + name, R_OK) == 0)
  }
}
