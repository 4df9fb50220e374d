import AudioCore
import Glibc
import Testing

@testable import streamctl

@Suite struct WAVWriterTests {
  static func temporary() -> String {
    var template = Array("/tmp/listen-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    close(descriptor)
    return template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  }

  static func contents(_ path: String) -> [UInt8] {
    let descriptor = open(path, O_RDONLY)
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 1 << 22)
    let length = read(descriptor, &bytes, bytes.count)
    return Array(bytes[..<max(length, 0)])
  }

  static func number(_ bytes: [UInt8], _ at: Int, _ count: Int = 4) -> Int {
    bytes[at..<at + count].reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  @Test func fileIsWholeAfterEveryWrite() throws {
    let path = Self.temporary()
    defer { unlink(path) }
    var writer = try WAVWriter(path: path, layout: .surround51)
    var frames = 0
    for block in 0..<3 {
      let bytes = Self.contents(path)
      #expect(bytes.count == 80 + frames * 24)
      #expect(Self.number(bytes, 4) == bytes.count - 8)
      #expect(Self.number(bytes, 68) == frames)
      #expect(Self.number(bytes, 76) == frames * 24)
      let pcm = (0..<240 * 6).map { Float($0 + block) }
      try pcm.withUnsafeBufferPointer { try writer.append($0) }
      frames += 240
    }
    let bytes = Self.contents(path)
    #expect(String(decoding: bytes[0..<4], as: UTF8.self) == "RIFF")
    #expect(String(decoding: bytes[8..<16], as: UTF8.self) == "WAVEfmt ")
    #expect(Self.number(bytes, 20, 2) == 0xFFFE && Self.number(bytes, 22, 2) == 6)
    #expect(Self.number(bytes, 24) == 48_000 && Self.number(bytes, 28) == 48_000 * 24)
    #expect(Self.number(bytes, 32, 2) == 24 && Self.number(bytes, 34, 2) == 32)
    #expect(Self.number(bytes, 40) == 0x3F && Self.number(bytes, 44, 2) == 3)
    #expect(String(decoding: bytes[60..<64], as: UTF8.self) == "fact")
    #expect(String(decoding: bytes[72..<76], as: UTF8.self) == "data")
    #expect(Float(bitPattern: UInt32(Self.number(bytes, 80 + 4))) == 1)
  }

  @Test func impossiblePathIsAnError() {
    let error = #expect(throws: WAVError.self) {
      _ = try WAVWriter(path: "/nonexistent/x.wav", layout: .stereo)
    }
    #expect(error == .cannotCreate(path: "/nonexistent/x.wav", errno: ENOENT))
    #expect(error?.code == "wav_cannot_create")
  }

  @Test func fullDiskStopsTheRecordingNotTheReceiver() throws {
    var stream = SteadyStream(.stereo)
    let summary = try hear(&stream, seconds: 2, wav: WAVWriter(path: "/dev/null", layout: .stereo))
    // The null device takes everything.
    #expect(summary.recordingError == nil)
    #expect(throws: WAVError.cannotWrite(errno: ENOSPC)) { _ = try WAVWriter(path: "/dev/full", layout: .stereo) }
  }

  @Test func receivedSoundIsInTheFile() throws {
    let path = Self.temporary()
    defer { unlink(path) }
    var stream = SteadyStream(.stereo)
    _ = try hear(&stream, seconds: 2, wav: WAVWriter(path: path, layout: .stereo))
    let bytes = Self.contents(path)
    let samples = stride(from: 80, to: bytes.count, by: 8).map { Float(bitPattern: UInt32(Self.number(bytes, $0))) }
    #expect(samples.count > 95_000)
    let tone = try #require(Spectrum.dominant(samples))
    #expect(abs(tone.frequency - 997) < 0.2 && abs(tone.amplitude - 0.1) < 0.002)
  }
}
