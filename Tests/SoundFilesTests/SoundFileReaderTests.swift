import AudioCore
import CSoundFileSystem
import Glibc
import SoundFiles
import TestSupport
import Testing

@Suite struct SoundFileReaderTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func tone(_ frame: Int, _ channel: Int) -> Float {
    Float(0.5 * sin(2 * Double.pi * Double(200 + 300 * channel) * Double(frame) / 48_000))
  }

  /// Written by the library itself.
  private func write(_ name: String, _ format: Int, channels: Int, frames: Int, map: [Int] = []) throws -> String {
    let path = directory.path + "/" + name
    var info = SF_INFO()
    info.samplerate = 48_000
    info.channels = Int32(channels)
    info.format = Int32(truncatingIfNeeded: format)
    let file = try #require(sf_open(path, Int32(SFM_WRITE), &info))
    if !map.isEmpty {
      var places = map.map { Int32($0) }
      #expect(sf_command(file, Int32(SFC_SET_CHANNEL_MAP_INFO), &places, Int32(4 * channels)) != 0)
    }
    let samples = (0..<frames * channels).map { tone($0 / channels, $0 % channels) }
    #expect(sf_writef_float(file, samples, sf_count_t(frames)) == frames)
    sf_close(file)
    return path
  }

  private func read(_ reader: SoundFile, chunk: Int = 1000) -> [[Float]] {
    let count = reader.layout.count
    let samples = UnsafeMutablePointer<Float>.allocate(capacity: count * chunk)
    let planes = UnsafeMutablePointer<UnsafeMutablePointer<Float>>.allocate(capacity: count)
    defer {
      samples.deallocate()
      planes.deallocate()
    }
    for channel in 0..<count { (planes + channel).initialize(to: samples + channel * chunk) }
    var out = [[Float]](repeating: [], count: count)
    while case let got = reader.read(into: planes, limit: FrameCount(chunk)).value, got > 0 {
      for channel in 0..<count { out[channel] += UnsafeBufferPointer(start: planes[channel], count: got) }
    }
    return out
  }

  @Test(arguments: [
    ("a.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 0.0),
    ("b.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 5e-5),
    ("c.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_24, 2e-7),
    ("d.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 0.05),
  ])
  func whatWasWrittenIsRead(name: String, format: Int, error: Double) throws {
    let path = try write(name, format, channels: 2, frames: 30_000)
    let reader = try SoundFile(path: path)
    #expect(reader.rate == .codec && reader.layout == .stereo && reader.frames == FrameCount(30_000))
    #expect(!reader.format.isEmpty)
    let planes = read(reader)
    for channel in 0..<2 {
      #expect(planes[channel].count == 30_000)
      let worst = planes[channel].enumerated().map { abs(Double($1 - tone($0, channel))) }.max()!
      #expect(worst <= error, "\(name) \(channel)")
    }
  }

  @Test func channelsHaveNames() throws {
    let float = SF_FORMAT_WAVEX | SF_FORMAT_FLOAT
    let plain = try SoundFile(path: write("six.wav", float, channels: 6, frames: 100))
    #expect(plain.layout == .surround51)
    let map = [
      SF_CHANNEL_MAP_LEFT, SF_CHANNEL_MAP_RIGHT, SF_CHANNEL_MAP_CENTER, SF_CHANNEL_MAP_LFE,
      SF_CHANNEL_MAP_SIDE_LEFT, SF_CHANNEL_MAP_SIDE_RIGHT,
    ]
    let sides = try SoundFile(path: write("sides.wav", float, channels: 6, frames: 100, map: map))
    #expect(sides.layout.names == ["FL", "FR", "FC", "LFE", "SL", "SR"])
    #expect(try SoundFile(path: write("three.wav", float, channels: 3, frames: 100)).layout.count == 3)
    #expect(read(sides)[4][50] == tone(50, 4))
  }

  @Test func refusals() throws {
    let many = try write(
      "many.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, channels: 9, frames: 10)
    #expect(throws: SoundFileError.notFound("/nowhere/at.all")) { try SoundFile(path: "/nowhere/at.all") }
    #expect(throws: SoundFileError.unsupported(path: many, what: "9 channels: 1 to 8 are read")) {
      try SoundFile(path: many)
    }
    for bytes in ["", "no sound", "RIFF\u{7F}\u{7F}\u{7F}\u{7F}WAVEfmt "] {
      let path = directory.path + "/bad"
      let file = try #require(fopen(path, "w"))
      fputs(bytes, file)
      fclose(file)
      let error = #expect(throws: SoundFileError.self) { try SoundFile(path: path) }
      #expect(error?.code == "sound_file_unreadable" && error?.message.hasSuffix(".") == false)
    }
  }

  /// A file that was cut holds what it holds.
  @Test func cutFiles() throws {
    let path = try write(
      "cut.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, channels: 1, frames: 10_000)
    #expect(truncate(path, 44 + 2 * 5000) == 0)
    let reader = try SoundFile(path: path)
    #expect(read(reader)[0].count == 5000)
  }
}
