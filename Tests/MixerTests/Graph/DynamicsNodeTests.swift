import AudioCore
import Glibc
import Mixer
import Testing

/// The processors of dynamics as nodes of a graph: what their parameters, side chains and readings do there.
@Suite struct DynamicsNodeTests {
  private func played(
    _ kind: String, settings: [String: SettingValue] = [:], parameters: [String: Double] = [:], level: Double,
    key: Double? = nil, seconds: Double = 1
  ) throws -> (sound: [Float], rig: GraphRig, node: NodeID) {
    let rig = GraphRig()
    var node: NodeID?
    try rig.edit { graph in
      let tone = try graph.add("tone", "tone", parameters: ["frequency": 997, "level": level])
      let made = try graph.add(kind, "under test", settings: settings, parameters: parameters, from: [tone])
      if let key {
        let other = try graph.add(
          "tone", "key", settings: ["channels": .text("mono")], parameters: ["frequency": 499, "level": key])
        try graph.connect(other, made, input: 1)
      }
      try graph.add("output", "out", from: [made])
      node = made
    }
    rig.play(Int(seconds * 48_000))
    return (rig.played[0], rig, try #require(node))
  }

  private func peak(_ samples: some Sequence<Float>) -> Double {
    20 * log10(Double(samples.reduce(0) { max($0, abs($1)) }))
  }

  @Test func limiterHoldsItsCeilingAndSaysByHowMuch() throws {
    let (sound, rig, node) = try played("limiter", parameters: ["ceiling": -3], level: 0)
    #expect(peak(sound) <= -3)
    #expect(abs(peak(sound.suffix(24_000)) + 3) < 0.15)
    let reading = try #require(rig.engine.readings(of: node).first { $0.name == "reduction" })
    #expect(abs(reading.value - 3.1) < 0.1, "\(reading)")
  }

  /// What is not too loud comes out bit for bit, 88 frames later.
  @Test func limiterIsExactWhileIdle() throws {
    let (plain, _, _) = try played("gain", level: -6)
    let (limited, _, _) = try played("limiter", level: -6)
    #expect(Array(limited[4888..<24_000]) == Array(plain[4800..<23_912]))
  }

  @Test func compressorFollowsItsCurve() throws {
    let (sound, rig, node) = try played(
      "compressor", parameters: ["threshold": -24, "ratio": 4, "knee": 0, "attack": 5], level: -12, seconds: 2)
    #expect(abs(peak(sound.suffix(24_000)) + 21) < 0.1)
    let reading = try #require(rig.engine.readings(of: node).first { $0.name == "reduction" })
    #expect(abs(reading.value - 9) < 0.1, "\(reading)")
  }

  /// A parameter that moves while it runs is heard, without a step.
  @Test func compressorMayBeChanged() throws {
    let (_, rig, node) = try played("compressor", parameters: ["threshold": 0, "ratio": 20], level: -12)
    _ = try rig.engine.commit([.set(node, "threshold", -30)])
    rig.play(48_000)
    #expect(abs(peak(rig.played[0].suffix(9_600)) + 29.1) < 0.3)
    // What a sine of its level has, and a little.
    #expect(largestStep(rig.played[0]) < Float(pow(10, -12.0 / 20) * 2 * .pi * 997 / 48_000) * 1.05)
  }

  @Test(arguments: [(-60.0, 12.0), (-20.0, 24.0)]) func duckerListensToItsKey(key: Double, expected: Double) throws {
    let (sound, _, _) = try played(
      "ducker", parameters: ["depth": 12, "threshold": -40], level: -12, key: key, seconds: 2)
    #expect(abs(peak(sound.suffix(24_000)) + expected) < 0.3)
  }

  @Test(arguments: [("gate", 60.0), ("expander", 40.0)]) func whatIsSoftIsLowered(kind: String, range: Double) throws {
    let (loud, _, _) = try played(kind, parameters: ["threshold": -40], level: -20)
    #expect(abs(peak(loud.suffix(24_000)) + 20) < 0.1)
    let (soft, _, _) = try played(kind, parameters: ["threshold": -40, "range": range], level: -90, seconds: 3)
    #expect(abs(peak(soft.suffix(24_000)) + 90 + range) < 0.5)
  }

  @Test func deEsserLowersSharpSound() throws {
    let rig = GraphRig()
    try rig.edit { graph in
      let tone = try graph.add("tone", "tone", parameters: ["frequency": 9000, "level": -10])
      let node = try graph.add("de_esser", "s", parameters: ["threshold": -30], from: [tone])
      try graph.add("output", "out", from: [node])
    }
    rig.play(48_000)
    // By its range of 12 dB, less what the crossover leaves.
    #expect((-22.1)...(-20.5) ~= peak(rig.played[0].suffix(24_000)))
  }

  @Test func equalizerTakesFilterTexts() throws {
    let filters = "Preamp: -2 dB\nFilter 1: ON PK Fc 997 Hz Gain -6 dB Q 1.41"
    let (sound, rig, node) = try played("equalizer", settings: ["filters": .text(filters)], level: -10)
    #expect(abs(peak(sound.suffix(24_000)) + 18) < 0.02)
    // A refused text leaves what runs as it is.
    let bad = SettingValue.text("Filter 1: ON PK Fc high Gain -6 dB")
    #expect(throws: GraphError.self) { _ = try rig.engine.commit([.configure(node, "filters", bad)]) }
    rig.play(24_000)
    #expect(abs(peak(rig.played[0].suffix(12_000)) + 18) < 0.02)
    // Another one is faded to.
    _ = try rig.engine.commit([.configure(node, "filters", .text("Preamp: -1 dB"))])
    rig.play(24_000)
    #expect(abs(peak(rig.played[0].suffix(12_000)) + 11) < 0.02)
    #expect(largestStep(rig.played[0].suffix(48_000)) < 0.04)
  }

  @Test func levellerBringsAToneToItsTarget() throws {
    let (_, rig, node) = try played("leveller", parameters: ["target": -18], level: -30, seconds: 12)
    // A sine of full scale in both channels is −0.04 LUFS at this pitch.
    let sound = rig.played[0].suffix(48_000)
    #expect(abs(peak(sound) + 18) < 0.4, "\(peak(sound))")
    let gain = try #require(rig.engine.readings(of: node).first { $0.name == "gain" })
    #expect(abs(gain.value - 12) < 0.4)
  }

  @Test func loudnessIsThatOfTheStandard() throws {
    let (sound, rig, node) = try played("loudness", level: -20, seconds: 4)
    #expect(abs(peak(sound) + 20) < 0.01)
    let readings = Dictionary(uniqueKeysWithValues: rig.engine.readings(of: node).map { ($0.name, $0.value) })
    for name in ["momentary", "short_term", "integrated"] {
      #expect(abs(try #require(readings[name]) + 20) < 0.05, "\(name): \(readings)")
    }
    #expect(abs(try #require(readings["true_peak"]) + 20) < 0.05)
    #expect(abs(try #require(readings["range"])) < 0.1)
  }

  /// A tone at −20 and then at −30 (EBU Tech 3342, case 1): 10 LU.
  @Test func loudnessRangeIsThatOfTheStandard() throws {
    let (_, rig, node) = try played("loudness", level: -20, seconds: 20)
    let tone = try #require(rig.engine.graph.node(named: "tone"))
    _ = try rig.engine.commit([.set(tone.id, "level", -30)])
    rig.play(20 * 48_000)
    let range = try #require(rig.engine.readings(of: node).first { $0.name == "range" })
    #expect(abs(range.value - 10) < 1, "\(range)")
  }
}
