import AudioCore
import CSoundFileSystem
import Glibc
import TestSupport
import Testing

@testable import Recording
@testable import SoundFiles

/// A WAV beyond 4 GiB. A disk with a hole of three hours in the recording, and a file that keeps its beginning and its end and
/// counts the rest.
@Suite struct LargeExportTests {
  private static let edge = 1 << 16

  /// What libsndfile writes to, in place of a file.
  private final class Sink {
    var head = [UInt8](repeating: 0, count: edge)
    /// The last bytes.
    var tail = [UInt8](repeating: 0, count: edge)
    var place = 0
    var length = 0

    func write(_ bytes: UnsafeRawPointer, _ count: Int) {
      if place < edge {
        let kept = min(count, edge - place)
        head.withUnsafeMutableBytes { _ = memcpy($0.baseAddress! + place, bytes, kept) }
      }
      // Not what is put right in the head at the end.
      if place >= length {
        let kept = min(count, edge)
        tail.withUnsafeMutableBytes {
          memmove($0.baseAddress!, $0.baseAddress! + kept, edge - kept)
          memcpy($0.baseAddress! + edge - kept, bytes + count - kept, kept)
        }
      }
      place += count
      length = max(length, place)
    }

    /// A file without what nobody looks at.
    func save(_ path: String) throws {
      let file = open(path, O_RDWR | O_CREAT, 0o600)
      try #require(file >= 0 && ftruncate(file, off_t(length)) == 0)
      defer { close(file) }
      #expect(pwrite(file, head, head.count, 0) == head.count)
      #expect(pwrite(file, tail, tail.count, off_t(length - tail.count)) == tail.count)
    }
  }

  private static func sink(_ raw: UnsafeMutableRawPointer?) -> Sink {
    Unmanaged<Sink>.fromOpaque(raw!).takeUnretainedValue()
  }

  @Test func aRecordingOfMoreThanFourGibibytesIsRF64() throws {
    let scratch = Scratch()
    let format = RecordingFormat(rate: .codec, layout: .surround51, samples: .integer24)
    let fed = try HandFed(format, in: scratch.path, chunkBytes: 18 * 4096)
    for _ in 0..<4 { fed.feed(480) }
    let hole = 260_000_000
    fed.skip(hole)
    for _ in 0..<4 { fed.feed(480) }
    #expect(fed.recording.finish(at: fed.now))
    let reader = try RecordingReader(fed.recording.terms.folder)
    let frames = hole + 8 * 480
    #expect(reader.length == frames && frames * 18 > 1 << 32)
    let sink = Sink()
    var calls = SF_VIRTUAL_IO(
      get_filelen: { sf_count_t(LargeExportTests.sink($0).length) },
      seek: { offset, whence, raw in
        let sink = LargeExportTests.sink(raw)
        let base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? sink.place : sink.length
        sink.place = base + Int(offset)
        return sf_count_t(sink.place)
      },
      read: { _, _, _ in 0 },
      write: { bytes, count, raw in
        LargeExportTests.sink(raw).write(bytes!, Int(count))
        return count
      }, tell: { sf_count_t(LargeExportTests.sink($0).place) })
    var told = 0
    let progress = { (frames: Int) in told = frames }
    try RecordingExport(reader, .all).put(progress) { (samples) throws(SoundFileError) in
      try ExactSoundFile(
        path: "", kind: .wav, samples: samples, rate: format.rate, layout: format.layout, frames: frames
      ) { sf_open_virtual(&calls, Int32(SFM_WRITE), &$0, Unmanaged.passUnretained(sink).toOpaque()) }
    }
    #expect(told == frames && sink.head.starts(with: Array("RF64".utf8)))
    let path = scratch.path + "/large.wav"
    try sink.save(path)
    // Two readers of other people's: how long it is, and that its end is where it belongs.
    let probe = try Child.run([
      "ffprobe", "-v", "error", "-show_entries", "stream=codec_name,channels,duration_ts", "-of", "csv=p=0", path,
    ])
    #expect(probe.standardOutput.contains("pcm_s24le,6,\(frames)"), "\(probe.standardOutput) \(probe.standardError)")
    var facts = SF_INFO()
    let open = try #require(sf_open(path, Int32(SFM_READ), &facts))
    defer { sf_close(open) }
    #expect(facts.frames == sf_count_t(frames))
    for (place, range) in [(0, 0..<1920), (frames - 1920, frames - 1920..<frames)] {
      #expect(sf_seek(open, sf_count_t(place), Int32(SEEK_SET)) == sf_count_t(place))
      var found = [Int32](repeating: 0, count: 1920 * 6)
      #expect(sf_readf_int(open, &found, 1920) == 1920)
      let isRight = range.enumerated().allSatisfy { index, position in
        (0..<6).allSatisfy { found[index * 6 + $0] == Int32(Ramp.step($0, position, bits: 24)) << 8 }
      }
      #expect(isRight)
    }
  }
}
