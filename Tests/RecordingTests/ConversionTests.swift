import AudioCore
import Glibc
import Recording
import TestSupport
import Testing

/// Recordings at another rate than the device's: what comes out of chunk files, judged by a fit in double precision.
@Suite struct ConversionTests {
  struct Rates: CustomTestStringConvertible, Sendable {
    let from: Int
    let to: Int
    var testDescription: String { "\(from) to \(to)" }
  }

  static let rates = [
    Rates(from: 44_100, to: 48_000), Rates(from: 48_000, to: 44_100), Rates(from: 48_000, to: 96_000),
    Rates(from: 96_000, to: 48_000),
  ]

  /// A tone of its own in each channel, through the device's cycles into chunks and back: the samples of each channel.
  private func recorded(_ tones: [Double], _ rates: Rates, seconds: Double) throws -> [[Double]] {
    let scratch = Scratch()
    let layout = try #require(ChannelLayout(channels: tones.count))
    let format = RecordingFormat(rate: SampleRate(hertz: rates.to), layout: layout, samples: .float32)
    let fed = try HandFed(
      format, in: scratch.path, chunkBytes: 4096 * format.frameBytes, sourceRate: SampleRate(hertz: rates.from))
    let total = Int(seconds * Double(rates.from))
    var cycle = 0
    while fed.position < total {
      // As a graph does whose quantum is not its resampler's, and whose quantum changes.
      let frames = min([1024, 1024, 441, 64, 2048][cycle % 5], total - fed.position)
      fed.feed(frames) { Float(0.5 * sin(2 * .pi * tones[$0] * Double($1) / Double(rates.from))) }
      cycle += 1
      if cycle % 8 == 0 { fed.recording.step(at: fed.now) }
    }
    #expect(fed.recording.finish(at: fed.now))
    let (reader, bytes) = try samples(of: fed.recording.terms.folder)
    #expect(reader.gaps.isEmpty && reader.chunkFacts.count > 1)
    // To the last frame: none of it stays in the filter.
    #expect(reader.length == Int((Double(total) * Double(rates.to) / Double(rates.from)).rounded()))
    return bytes.withUnsafeBytes { raw in
      let floats = raw.bindMemory(to: Float.self)
      return tones.indices.map { channel in
        stride(from: channel, to: floats.count, by: tones.count).map { Double(floats[$0]) }
      }
    }
  }

  @Test(arguments: rates) func distortionAndNoiseAreThoseOfTheMainPath(rates: Rates) throws {
    let tones = [997.0, 10_000]
    for (tone, samples) in zip(tones, try recorded(tones, rates, seconds: 0.5)) {
      let fit = ToneFit(samples.dropFirst(1000).dropLast(1000), cyclesPerFrame: tone / Double(rates.to))
      #expect(fit.residue <= -120, "\(tone) Hz: \(fit.residue) dB")
      #expect(abs(20 * log10(fit.amplitude / 0.5)) <= 0.01)
    }
  }

  @Test(arguments: rates) func allIsFlatTo20Kilohertz(rates: Rates) throws {
    for lot in 0..<2 {
      let tones = (0..<8).map { 20_000 * Double(lot * 8 + $0 + 1) / 16 }
      for (tone, samples) in zip(tones, try recorded(tones, rates, seconds: 0.15)) {
        let fit = ToneFit(samples.dropFirst(1000).dropLast(1000), cyclesPerFrame: tone / Double(rates.to))
        #expect(abs(20 * log10(fit.amplitude / 0.5)) <= 0.01, "\(tone) Hz: \(fit.amplitude)")
      }
    }
  }

  /// Each side of a gap is whole and in its place; what the filter held is not lost with the device.
  @Test(arguments: rates) func aGapIsAsLongAsTheAbsence(rates: Rates) throws {
    let scratch = Scratch()
    let format = RecordingFormat(rate: SampleRate(hertz: rates.to), layout: .mono, samples: .float32)
    let fed = try HandFed(
      format, in: scratch.path, chunkBytes: 65_536, sourceRate: SampleRate(hertz: rates.from))
    let wave = { (_: Int, position: Int) in Float(0.5 * sin(2 * .pi * 300 * Double(position) / Double(rates.from))) }
    var expected: [Range<Int>] = []
    func place(_ position: Int) -> Int { Int((Double(position) * Double(rates.to) / Double(rates.from)).rounded()) }
    for round in 0..<5 {
      for _ in 0..<20 { fed.feed(480, wave) }
      guard round < 4 else { break }
      let begin = fed.position
      fed.skip(7777 * (round + 1))
      expected.append(place(begin)..<place(fed.position))
    }
    #expect(fed.recording.finish(at: fed.now))
    let (reader, bytes) = try samples(of: fed.recording.terms.folder)
    #expect(reader.gaps.map { $0.position..<$0.position + $0.length } == expected)
    #expect(reader.length == place(fed.position))
    // The position of a block's end is told with its time, not less what the filter holds.
    #expect(reader.wallTime(of: reader.length).map { $0 - (reader.startedAt ?? 0) } ?? 0 > 0)
    let floats = bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    // Where the edge of a gap is not near, the tone is where it would be had there been none, to half a frame: positions are
    // whole numbers.
    let edge = 600
    let tolerance = 0.5 * sin(2 * .pi * 300 * 0.51 / Double(rates.to)) + 1e-5
    let wrong = floats.indices.first { frame in
      guard !expected.contains(where: { $0.lowerBound - edge < frame && frame < $0.upperBound + edge }),
        frame > edge, frame < floats.count - edge
      else { return false }
      return abs(Double(floats[frame]) - 0.5 * sin(2 * .pi * 300 * Double(frame) / Double(rates.to))) > tolerance
    }
    #expect(wrong == nil)
    // Up to the edge there is sound.
    for gap in expected {
      #expect(floats[gap.lowerBound - 60..<gap.lowerBound].contains { abs($0) > 0.001 })
      #expect(floats[gap].allSatisfy { $0 == 0 })
    }
  }
}

/// The sine of a frequency that fits samples best, with an offset, and what is left.
struct ToneFit {
  var amplitude = 0.0
  /// In decibels of the tone.
  var residue = 0.0

  init(_ samples: ArraySlice<Double>, cyclesPerFrame: Double) {
    var sums = [[Double]](repeating: [0, 0, 0, 0], count: 3)
    func parts(_ frame: Int) -> [Double] {
      let angle = 2 * Double.pi * cyclesPerFrame * Double(frame)
      return [sin(angle), cos(angle), 1]
    }
    for (frame, sample) in samples.enumerated() {
      let base = parts(frame)
      for row in 0..<3 {
        for column in 0..<3 { sums[row][column] += base[row] * base[column] }
        sums[row][3] += base[row] * sample
      }
    }
    for pivot in 0..<3 {
      for row in 0..<3 where row != pivot {
        let factor = sums[row][pivot] / sums[pivot][pivot]
        for column in 0..<4 { sums[row][column] -= factor * sums[pivot][column] }
      }
    }
    let weights = (0..<3).map { sums[$0][3] / sums[$0][$0] }
    amplitude = (weights[0] * weights[0] + weights[1] * weights[1]).squareRoot()
    var power = 0.0
    for (frame, sample) in samples.enumerated() {
      let base = parts(frame)
      let rest = sample - (0..<3).reduce(0) { $0 + weights[$1] * base[$1] }
      power += rest * rest
    }
    residue = 10 * log10(power / Double(samples.count) / (amplitude * amplitude / 2))
  }
}
