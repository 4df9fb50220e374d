import AudioCore
import Glibc
import Mixer
import Testing

/// There and back: what a rate leaves of sound, and when.
@Suite struct ResampleNodeTests {
  /// What a tone of half the full scale becomes, and the latency that is reported.
  private func played(
    rate: Int, quality: String = "band_limited", frames: Int = 24_000, quantum: Int = 256,
    signal: @escaping OfflineRun.Signal
  ) throws -> (sound: [Float], latency: Int) {
    let rig = GraphRig(signal: signal)
    let report = try rig.edit { graph in
      let source = try graph.add("input", "in")
      let node = try graph.add(
        "resample", "node", settings: ["rate": .integer(rate), "quality": .text(quality)], from: [source])
      try graph.add("output", "out", from: [node])
    }
    rig.play(frames, quantum: quantum)
    return (rig.played[0], report.latency.value)
  }

  private static func tone(_ hertz: Double) -> OfflineRun.Signal {
    { _, position in Float(0.5 * sin(2 * .pi * hertz * Double(position) / 48_000)) }
  }

  private func level(_ samples: some Collection<Float>) -> Double {
    10 * log10(samples.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(samples.count) / 0.125 + 1e-30)
  }

  static let rates = [8000, 11_025, 16_000, 22_050, 32_000, 44_100, 47_999, 96_000, 192_000]

  /// Sample for sample the tone that went in, as much later as is said: that is its level and its latency at once.
  @Test(arguments: rates) func whatFitsPasses(rate: Int) throws {
    let top = min(Double(min(rate, 48_000)) * 0.42, 20_000)
    for hertz in [100, 997, top * 0.7, top] {
      let tone = Self.tone(hertz)
      let (sound, latency) = try played(rate: rate, signal: tone)
      // As the page of graphs says.
      if rate == 44_100 { #expect(latency == 209) }
      #expect(sound[..<latency].allSatisfy { abs($0) < 0.1 })
      #expect(abs(level(sound[12_000...])) < 0.01, "\(hertz) Hz: \(level(sound[12_000...])) dB")
      for frame in 12_000..<24_000 {
        let expected = tone(0, Int64(frame - latency))
        guard abs(sound[frame] - expected) > 2e-6 else { continue }
        Issue.record("\(hertz) Hz, frame \(frame): \(sound[frame]), not \(expected)")
        break
      }
    }
  }

  @Test(arguments: rates.filter { $0 < 47_000 }) func whatDoesNotFitIsGone(rate: Int) throws {
    for share in [0, 0.3, 0.9] {
      let half = Double(rate) / 2
      let hertz = half + 1 + (23_990 - half) * share
      let (sound, _) = try played(rate: rate, signal: Self.tone(hertz))
      #expect(level(sound[12_000...]) <= -120, "\(hertz) Hz: \(level(sound[12_000...])) dB")
    }
  }

  /// The graph's own rate is no work, no latency and no change.
  @Test(arguments: ["band_limited", "fast"]) func theGraphsRateChangesNothing(quality: String) throws {
    let (sound, latency) = try played(rate: 48_000, quality: quality) { MixRig.noise($0, $1) }
    #expect(latency == 0)
    #expect(sound == (0..<24_000).map { MixRig.noise(0, Int64($0)) })
  }

  /// Fast is nearly at once and good enough for low tones; what does not fit is mirrored.
  @Test(arguments: [16_000, 44_100, 96_000]) func fastIsQuick(rate: Int) throws {
    let tone = Self.tone(440)
    let (sound, latency) = try played(rate: rate, quality: "fast", signal: tone)
    #expect(latency <= 5 + 4 * 48_000 / rate)
    #expect(abs(level(sound[12_000...])) < 0.1)
    for frame in stride(from: 12_000, to: 24_000, by: 7) {
      #expect(abs(sound[frame] - tone(0, Int64(frame - latency))) < 0.01)
    }
    guard rate < 48_000 else { return }
    let mirrored = try played(rate: rate, quality: "fast", signal: Self.tone(Double(rate) * 0.5 + 500)).sound
    #expect(level(mirrored[12_000...]) > -40)
  }

  /// No cut of time is heard, of one frame neither.
  @Test(arguments: [1, 37, 480, 4096]) func cutsDoNotMatter(quantum: Int) throws {
    func bits(_ quantum: Int) throws -> [UInt32] {
      try played(rate: 44_100, frames: 9000, quantum: quantum) { MixRig.noise($0, $1) * 0.3 }.sound.map(\.bitPattern)
    }
    #expect(try bits(quantum) == bits(256))
  }

  @Test(arguments: [7999, 192_001]) func otherRatesAreRefused(rate: Int) {
    #expect(throws: GraphError.self) { try played(rate: rate, frames: 1) { _, _ in 0 } }
  }
}
