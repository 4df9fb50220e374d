import AudioCore
import Glibc
import Testing

@testable import streamctl

@Suite struct WAVReaderTests {
  private static func little(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  /// A file with a chunk that is none of ours before the sound.
  private static func file(
    kind: Int = 1, channels: Int = 1, rate: Int = 48_000, bits: Int = 16, data: [UInt8], promised: Int? = nil
  ) -> [UInt8] {
    let format =
      little(kind, 2) + little(channels, 2) + little(rate, 4) + little(rate * channels * bits / 8, 4)
      + little(channels * bits / 8, 2) + little(bits, 2)
    return Array("RIFF".utf8) + little(0, 4) + Array("WAVEfmt ".utf8) + little(16, 4) + format
      + Array("LIST".utf8) + little(3, 4) + [1, 2, 3, 0] + Array("data".utf8) + little(promised ?? data.count, 4) + data
  }

  @Test func everyWidthIsRead() throws {
    let values = [0, 0.5, -0.5, -1]
    for bits in [16, 24, 32] {
      let data = values.flatMap { Self.little(Int($0 * Double(1 << (bits - 1))), bits / 8) }
      let sound = try WAVReader.parse(Self.file(channels: 2, rate: 44_100, bits: bits, data: data))
      #expect(sound.samples == values.map { Float($0) } && sound.channels == 2 && sound.rate.hertz == 44_100, "\(bits)")
    }
    let floats = [0.25, -0.75, 7, Float.nan].flatMap { Self.little(Int($0.bitPattern), 4) }
    #expect(try WAVReader.parse(Self.file(kind: 3, bits: 32, data: floats)).samples == [0.25, -0.75, 1, 0])
  }

  /// What a recorder leaves that was killed: a promise of more, or half a frame.
  @Test func aCutFileHoldsWhatItHolds() throws {
    let sound = try WAVReader.parse(Self.file(data: [0, 64, 0, 64, 9], promised: 1000))
    #expect(sound.samples == [0.5, 0.5])
  }

  @Test func ourOwnRecordingsAreRead() throws {
    let path = WAVWriterTests.temporary()
    defer { unlink(path) }
    var writer = try WAVWriter(path: path, layout: .stereo)
    try [Float](arrayLiteral: 0.1, -0.1, 0.2, -0.2).withUnsafeBufferPointer { try writer.append($0) }
    let sound = try WAVReader.read(path)
    #expect(sound.channels == 2 && sound.rate == .codec && sound.samples == [0.1, -0.1, 0.2, -0.2])
  }

  @Test func whatIsNoSoundIsAnError() {
    func error(_ bytes: [UInt8]) -> WAVReadError? {
      do throws(WAVReadError) { _ = try WAVReader.parse(bytes) } catch { return error }
      return nil
    }
    #expect(error([]) == .notWAV)
    #expect(error(Array("RIFF0000WAVX".utf8)) == .notWAV)
    #expect(error(Array("RIFF0000WAVE".utf8)) == .noData)
    #expect(error(Self.file(data: [])) == .noData)
    for bad in [
      Self.file(kind: 7, data: [0, 0]), Self.file(bits: 8, data: [0, 0]), Self.file(channels: 0, data: [0, 0]),
      Self.file(channels: 9, data: [0, 0]), Self.file(rate: 7999, data: [0, 0]), Self.file(kind: 3, data: [0, 0]),
    ] {
      guard case .badFormat? = error(bad) else {
        Issue.record("\(String(describing: error(bad)))")
        continue
      }
    }
    let missing = #expect(throws: WAVReadError.self) { _ = try WAVReader.read("/nonexistent.wav") }
    #expect(missing == .cannotOpen(errno: ENOENT))
    // Every prefix of a good file is read or refused, nothing else.
    let good = Self.file(data: [0, 64, 0, 64])
    for length in 0..<good.count { _ = error(Array(good[..<length])) }
  }

  @Test func channelsAreFolded() {
    let stereo = WAVReader.Sound(rate: .codec, channels: 2, samples: [0.2, 0.4, -1, 1])
    #expect(stereo.folded(to: 1).samples.elementsEqual([0.3, 0]) { abs($0 - $1) < 1e-6 })
    let mono = WAVReader.Sound(rate: .codec, channels: 1, samples: [0.5, -0.5])
    #expect(mono.folded(to: 2).samples == [0.5, 0.5, -0.5, -0.5])
    let three = WAVReader.Sound(rate: .codec, channels: 3, samples: [0.1, 0.2, 0.3])
    #expect(three.folded(to: 2).samples == [0.1, 0.2])
  }

  @Test(arguments: [8000, 44_100, 96_000], [1, 2]) func otherRatesBecomeOurs(rate: Int, channels: Int) throws {
    let samples = (0..<2 * rate).flatMap { frame in
      [Float](repeating: 0.1 * Float(sin(2 * Double.pi * 997 * Double(frame) / Double(rate))), count: channels)
    }
    let sound = WAVReader.Sound(rate: SampleRate(hertz: rate), channels: channels, samples: samples)
    let made = sound.resampled(to: .codec)
    #expect(made.rate == .codec && made.samples.count == 96_000 * channels)
    for channel in 0..<channels {
      let one = stride(from: channel, to: made.samples.count, by: channels).map { made.samples[$0] }
      let tone = try #require(Spectrum.dominant(one))
      #expect(abs(tone.frequency - 997) < 0.1 && abs(tone.amplitude - 0.1) < 0.0005, "\(tone)")
      // To the last frame, and from the first.
      let last = one[95_000..<95_900].map(abs).max() ?? 0
      #expect(abs(one[0]) < 0.01 && abs(last - 0.1) < 0.005)
      #expect(abs(Double(one[1200]) - 0.1 * sin(2 * Double.pi * 997 * 1200 / 48_000)) < 0.001)
    }
  }
}
