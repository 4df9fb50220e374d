import AudioCore
import Glibc
import Mixer
import Testing

/// What is particular to each kind of node.
@Suite struct NodeTests {
  /// The amplitude of a frequency in a whole number of its periods.
  private func amplitude(_ frequency: Double, _ samples: ArraySlice<Float>) -> Double {
    var (real, imaginary) = (0.0, 0.0)
    for (index, sample) in samples.enumerated() {
      let angle = 2 * Double.pi * frequency * Double(index) / 48_000
      real += Double(sample) * cos(angle)
      imaginary += Double(sample) * sin(angle)
    }
    return 2 * (real * real + imaginary * imaginary).squareRoot() / Double(samples.count)
  }

  private func tone(
    _ wave: String, _ parameters: [String: Double], settings: [String: SettingValue] = [:], frames: Int = 48_000
  ) throws -> [[Float]] {
    let rig = GraphRig()
    try rig.edit { graph in
      let tone = try graph.add(
        "tone", "t", settings: settings.merging(["wave": .text(wave)]) { $1 }, parameters: parameters)
      try graph.add("output", "o", from: [tone])
    }
    rig.play(frames, quantum: 1000)
    return rig.played
  }

  @Test func sineIsPureAndExact() throws {
    let samples = try tone("sine", ["frequency": 997, "level": -6])[0]
    var worst: Float = 0
    for (index, sample) in samples.enumerated() {
      let wanted = pow(10, -6.0 / 20) * sin(2 * Double.pi * 997 * Double(index) / 48_000)
      worst = max(worst, abs(sample - Float(wanted)))
    }
    // The pitch is a float.
    #expect(worst < 2e-4, "\(worst)")
    #expect(abs(20 * log10(amplitude(997, samples[...])) + 6) < 0.001)
    for harmonic in 2...10 { #expect(amplitude(997 * Double(harmonic), samples[...]) < 1e-6) }
  }

  /// Harmonics are where they belong, and what would be mirrored at half the rate is far below.
  @Test(arguments: ["saw", "square"]) func edgesAreBandLimited(wave: String) throws {
    let samples = try tone(wave, ["frequency": 3000, "level": 0])[0][...]
    let ideal: [Double] = wave == "saw" ? [0.63662, 0.31831, 0.21221] : [1.27324, 0, 0.42441]
    for (index, level) in ideal.enumerated() {
      let measured = amplitude(3000 * Double(index + 1), samples)
      if level > 0 {
        // The spline's own fall towards half the rate.
        let place = Double.pi * Double(index + 1) / 16
        #expect(abs(20 * log10(measured / level / pow(sin(place) / place, 4))) < 0.02, "harmonic \(index + 1)")
      } else {
        #expect(measured < 1e-4)
      }
    }
    // 2777 Hz does not divide the rate: images fall between its harmonics.
    let between = try tone(wave, ["frequency": 2777, "level": 0])[0][...]
    for harmonic in [17, 19, 21, 23, 25, 31] {
      let image = abs(Double(harmonic) * 2777 - 48_000)
      guard image < 15_000 else { continue }
      #expect(20 * log10(amplitude(image, between)) < -42, "\(harmonic) at \(image)")
    }
  }

  @Test func noiseHasItsPowerAndItsSlope() throws {
    for wave in ["white", "pink"] {
      let channels = try tone(wave, ["level": -20], frames: 480_000)
      for samples in channels {
        let power = samples.reduce(0.0) { $0 + Double($1 * $1) } / Double(samples.count)
        #expect(abs(10 * log10(power) + 20) < 0.3, "\(wave)")
      }
      let product = zip(channels[0], channels[1]).reduce(0.0) { $0 + Double($1.0 * $1.1) } / 480_000
      #expect(abs(product) < 0.01 * 0.02, "channels are alike")
      func power(_ low: Double, _ high: Double) -> Double {
        stride(from: low, to: high, by: (high - low) / 40).reduce(0) { sum, frequency in
          (0..<10).reduce(sum) { sum, part in
            let level = amplitude(frequency, channels[0][part * 48_000..<part * 48_000 + 4800])
            return sum + level * level
          }
        }
      }
      let octaves = 10 * log10(power(400, 800) / power(6400, 12_800))
      #expect(abs(octaves - (wave == "pink" ? 12 : 0)) < 1.5, "\(wave): \(octaves) dB")
    }
    #expect(try tone("white", [:], settings: ["seed": .integer(2)], frames: 64) != tone("white", [:], frames: 64))
  }

  @Test func sweepGoesWhereItShould() throws {
    let samples = try tone(
      "sweep", ["level": 0], settings: ["from": .number(100), "to": .number(1600), "period": .number(1)], frames: 96_000
    )[0]
    func crossings(_ range: Range<Int>) -> Int {
      range.count { samples[$0] <= 0 && samples[$0 + 1] > 0 }
    }
    // Four octaves a second: after a half it is at 400 Hz.
    #expect(abs(crossings(23_760..<24_240) - 4) <= 1)
    #expect(abs(crossings(0..<4800) - 11) <= 1)
    #expect(abs(crossings(0..<47_000) - crossings(48_000..<95_000)) <= 1)
  }

  @Test func impulsesComeInTime() throws {
    let samples = try tone("impulse", ["frequency": 10, "level": 0], frames: 9600)[1]
    let places = samples.indices.filter { samples[$0] != 0 }
    #expect(places.count == 2 && places[0] == 0 && abs(places[1] - 4800) <= 1)
    #expect(samples[0] == 1)
  }

  @Test func panKeepsThePower() throws {
    for place in [-1, -0.5, 0, 0.3, 1] {
      let rig = GraphRig { _, _ in 0.5 }
      try rig.edit { graph in
        let input = try graph.add("input", "i", settings: ["channels": .text("mono")])
        let pan = try graph.add("pan", "p", parameters: ["pan": place], from: [input])
        try graph.add("output", "o", from: [pan])
      }
      rig.play(64)
      let (left, right) = (Double(rig.last[0]), Double(rig.last[1]))
      #expect(abs(left * left + right * right - 0.25) < 1e-6)
      #expect(abs(atan2(right, left) - (place + 1) * .pi / 4) < 1e-6)
    }
  }

  @Test func mixerMutesAndSolos() throws {
    let rig = GraphRig { channel, _ in channel == 0 ? 1 : 0.5 }
    var (mix, input) = (NodeID(0), NodeID(0))
    try rig.edit { graph in
      input = try graph.add("input", "i")
      mix = try graph.add("mixer", "m", settings: ["inputs": .integer(9)])
      for (port, level) in [-6.0, -12, -18, -24, -30, -36].enumerated() {
        try graph.connect(input, mix, input: port)
        try graph.apply(.set(mix, "level.\(port + 1)", level))
      }
      try graph.add("output", "o", from: [mix])
    }
    func sum(_ decibels: [Double]) -> Float { Float(decibels.reduce(0) { $0 + pow(10, $1 / 20) }) }
    func settle() { rig.play(2000) }
    settle()
    #expect(abs(rig.last[0] - sum([-6, -12, -18, -24, -30, -36])) < 1e-6)
    try rig.engine.commit([.set(mix, "mute.2", 1)])
    settle()
    #expect(abs(rig.last[1] - 0.5 * sum([-6, -18, -24, -30, -36])) < 1e-6)
    try rig.engine.commit([.set(mix, "solo.3", 1), .set(mix, "solo.2", 1)])
    settle()
    #expect(abs(rig.last[0] - sum([-18])) < 1e-6)
    try rig.engine.commit([.set(mix, "solo.3", 0), .set(mix, "solo.2", 0), .set(mix, "gain", -20)])
    settle()
    #expect(abs(rig.last[0] - 0.1 * sum([-6, -18, -24, -30, -36])) < 1e-6)
    #expect(largestStep(rig.played[0].dropFirst(10)) < 1.5 / 480 * 1.2)
  }

  @Test func channelMapFoldsAsTheMatrixDoes() throws {
    let rig = GraphRig(layout: .surround51) { channel, _ in [1, 2, 4, 8, 16, 32][channel] / 64 }
    try rig.edit { graph in
      let input = try graph.add("input", "i", settings: ["channels": .text("5.1")])
      try graph.add("output", "o", from: [graph.add("channel_map", "m", from: [input])])
    }
    rig.play(64)
    let expected = ChannelMatrix(from: .surround51, to: .stereo)
    for out in 0..<2 {
      let wanted = (0..<6).reduce(Float(0)) { $0 + expected[out, in: $1] * [1, 2, 4, 8, 16, 32][$1] / 64 }
      #expect(abs(rig.last[out] - wanted) < 1e-6)
    }
  }

  @Test func delayChangesWithoutBendingOrClicking() throws {
    let rig = GraphRig { _, position in Float(sin(Double(position) * 2 * .pi * 100 / 48_000)) * 0.5 }
    var delay = NodeID(0)
    try rig.edit { graph in
      let input = try graph.add("input", "i")
      delay = try graph.add("delay", "d", parameters: ["time": 10], from: [input])
      try graph.add("output", "o", from: [delay])
    }
    rig.play(9600)
    #expect(rig.played[0][0..<480].allSatisfy { $0 == 0 })
    #expect(rig.played[0][580] == Float(sin(100.0 * 2 * .pi * 100 / 48_000)) * 0.5)
    try rig.engine.commit([.set(delay, "time", 35)])
    rig.play(9600)
    #expect(rig.last[0] == Float(sin(Double(19_199 - 1680) * 2 * .pi * 100 / 48_000)) * 0.5)
    #expect(largestStep(rig.played[0].dropFirst(600)) < 0.5 * 2 * .pi * 100 / 48_000 * 1.2)
  }

  @Test func meterTellsPeakAndPower() throws {
    let rig = GraphRig()
    var meter = NodeID(0)
    try rig.edit { graph in
      let tone = try graph.add("tone", "t", parameters: ["frequency": 1000, "level": -12])
      meter = try graph.add("meter", "m", from: [tone])
    }
    rig.play(4800, quantum: 100)
    let readings = Dictionary(uniqueKeysWithValues: rig.engine.readings(of: meter).map { ($0.name, $0.value) })
    #expect(Set(readings.keys) == ["peak.1", "peak.2", "rms.1", "rms.2"])
    #expect(abs((readings["peak.2"] ?? 0) + 12) < 0.01)
    #expect(abs((readings["rms.1"] ?? 0) + 15.01) < 0.01)
  }

  @Test func eachListenerOfATapHearsTheSame() throws {
    let rig = GraphRig { MixRig.noise($0, $1) }
    var ids: [NodeID] = []
    try rig.edit { graph in
      ids.append(try graph.add("input", "i"))
      ids.append(try graph.add("tap", "t", settings: ["room": .number(0.01)], from: ids))
    }
    rig.play(1000)
    let tap = try #require(rig.engine.processor(of: ids[1]) as? TapProcessor)
    let (first, second) = (tap.listen(), tap.listen())
    let reader = first.makeReader()
    let other = second.makeReader()
    rig.play(500, quantum: 250)
    #expect(reader.available == 500)
    #expect(other.available == 500)
    #expect(reader.sample(channel: 1, 3) == MixRig.noise(1, 1003))
    #expect(other.sample(channel: 0, 499) == MixRig.noise(0, 1499))
    #expect(first.floodedFrames == 0)
    tap.leave(second)
    rig.play(5000, quantum: 250)
    // One that has left is given nothing; a slow one is told what it missed.
    #expect(other.available == 500)
    #expect(second.floodedFrames == 0)
    #expect(first.floodedFrames > 0)
  }
}
