import AudioCore
import Glibc
import TestSupport
import Testing

@testable import Mixer

/// Whatever may be changed of a node is changed while it plays a low tone: nothing is refused, and nobody hears a click.
@Suite struct LiveEditTests {
  /// Of −20 dBFS at 100 Hz: no sample is further from the one before it. Where the tone comes out louder, its own steps are
  /// larger, and so may others be.
  private static let step: Float = 0.02
  /// And what is above 2 kHz, where such a tone has nothing, stays so far below full scale.
  private static let click = -70.0
  /// But where a gain comes back as fast as it is asked to, in a millisecond.
  private static let clicks = ["gate": -60.0, "expander": -60]

  /// One node between an input and an output; side chains hear the tone too.
  private func rig(_ kind: String) throws -> (rig: GraphRig, node: NodeID) {
    let rig = GraphRig { channel, position in
      Float(0.1 * sin(Double(position) * 2 * .pi / 480 + (channel == 1 ? 1 : 0)))
    }
    var node = NodeID(0)
    let shape = try NodeShapes.shape(of: kind)
    try rig.edit { graph in
      node = try graph.add(kind, "under test", parameters: Self.start[kind] ?? [:])
      // A tone that is its own far end is an echo, and what is left of that no business of an edit.
      for (port, input) in shape.inputs.enumerated()
      where port == 0 || input.isSideChain && kind != "echo_cancel" {
        let source = try graph.add("input", "in\(port)", settings: ["channels": .text(input.layout.title)])
        try graph.connect(source, node, input: port)
      }
      try graph.add("output", "out", settings: ["channels": .text(shape.outputs[0].layout.title)], from: [node])
    }
    return (rig, node)
  }

  /// A tone of its own is brought to where the others' is.
  private static let start: [String: [String: Double]] = ["tone": ["frequency": 100, "level": -20]]
  /// Of these the whole range would be another test's: a tone up here is steps by itself.
  private static let ranges: [String: ClosedRange<Double>] = ["tone.frequency": 20...200, "tone.level": -120...(-20)]

  private static let kinds = NodeCatalogTests.kinds.filter { kind in
    (try? NodeShapes.shape(of: kind))?.outputs.isEmpty == false
  }

  /// What was heard since a place, and a little before.
  private func listen(_ rig: GraphRig, since place: Int) -> (step: Float, click: Double) {
    var (worst, click) = (Float(0), -300.0)
    for plane in rig.played {
      let sound = Array(plane[max(place - 2400, 0)...])
      // How loud it is within a period: a tone twice as loud has steps twice as large.
      var loudness = [Float](repeating: 0, count: sound.count)
      for (start, end) in [(0, 480), (240, 720)] {
        var at = start
        while at < sound.count {
          let range = at..<min(at + end - start, sound.count)
          let peak = sound[range].reduce(Float(0.1)) { max($0, $1.magnitude) }
          for frame in range { loudness[frame] = max(loudness[frame], peak) }
          at += end - start
        }
      }
      let high = ClickSound.above(sound)
      for frame in 481..<sound.count {
        worst = max(worst, abs(sound[frame] - sound[frame - 1]) * 0.1 / loudness[frame])
        click = max(click, 20 * log10(Double(abs(high[frame]) * 0.1 / loudness[frame]) + 1e-15))
      }
    }
    return (worst, click)
  }

  private func expectNoClick(_ rig: GraphRig, since place: Int, _ name: String, below limit: Double = click) throws {
    let (step, click) = listen(rig, since: place)
    report("\(name): step \(step), click \(click)")
    #expect(step < Self.step, "\(name)")
    let kind = String(name.prefix { $0 != "." })
    #expect(click < Self.clicks[kind] ?? limit, "\(name): \(click)")
  }

  @Test(arguments: kinds) func everyParameterMayMove(kind: String) throws {
    let descriptor = try #require(NodeCatalog.linked[kind])
    let specs = ParameterSpec.expanded(descriptor.parameters, of: try NodeShapes.shape(of: kind))
    for spec in specs {
      let (rig, node) = try rig(kind)
      rig.play(24_000)
      let range = Self.ranges["\(kind).\(spec.name)"] ?? spec.range
      let home = rig.engine.graph.nodes[node]?.parameters[spec.name] ?? spec.initial
      let (low, high) = (range.lowerBound, range.upperBound)
      for value in Breadth.of([low, home, high, low, high, home], brief: [low, high, home]) {
        let place = rig.played[0].count
        try rig.engine.commit([.set(node, spec.name, value)])
        rig.play(24_000, quantum: 240)
        try expectNoClick(rig, since: place, "\(kind).\(spec.name) to \(value)")
      }
    }
  }

  /// What a setting may be, as far as another one is not simply another sound.
  private static func values(_ kind: String, _ spec: SettingSpec) -> [SettingValue] {
    switch (kind, spec.name, spec.kind) {
    // Another sound, and another layout.
    case ("tone", _, _), ("pan", "channels", _): []
    // Fewer are so much noise that a click would be lost in it.
    case ("dither", "bits", _): [.integer(14), .integer(24)]
    case ("equalizer", "filters", _):
      [
        .text("Filter 1: ON PK Fc 100 Hz Gain 12 dB Q 4"),
        .text("Preamp: -6 dB\nFilter 1: ON PK Fc 100 Hz Gain -12 dB Q 4\nFilter 2: ON HSC Fc 4000 Hz Gain 6 dB Q 0.7"),
        .text("Filter 1: ON HP Fc 400 Hz\nFilter 2: ON LP Fc 60 Hz"), .text("Preamp: 3 dB"),
      ]
    case ("channel_map", "matrix", _): [.numbers([0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0])]
    case (_, _, .choice(let names)): names.map { .text($0) }
    case (_, _, .toggle): [.toggle(true), .toggle(false)]
    case (_, _, .integer(let range)): [.integer(range.lowerBound), .integer(range.upperBound)]
    case (_, _, .number(let range)): [.number(range.lowerBound), .number(range.upperBound)]
    default: []
    }
  }

  /// Look-aheads, detectors, filters, qualities: the node is another one, and the graph fades to it.
  @Test(arguments: kinds) func everySettingMayChange(kind: String) throws {
    for spec in try #require(NodeCatalog.linked[kind]).settings {
      let values = Self.values(kind, spec)
      // A side chain that goes leaves nothing to connect; a layout is another graph.
      guard let home = spec.initial, !values.isEmpty, spec.kind != .layout else { continue }
      for quantum in [240, 37] {
        let (rig, node) = try rig(kind)
        rig.play(24_000)
        for value in values + [home] {
          let place = rig.played[0].count
          try rig.engine.commit([.configure(node, spec.name, value)])
          rig.play(14_400, quantum: quantum)
          try expectNoClick(rig, since: place, "\(kind).\(spec.name) to \(value)")
        }
        // Faster than it can fade.
        let place = rig.played[0].count
        for round in 0..<100 {
          try rig.engine.commit([.configure(node, spec.name, round % 2 == 0 ? values[0] : home)])
          rig.play(240, quantum: quantum)
        }
        try rig.engine.commit([.configure(node, spec.name, home)])
        rig.play(24_000, quantum: quantum)
        // A fade that turns back in the middle has a corner there.
        try expectNoClick(rig, since: place, "\(kind).\(spec.name) back and forth", below: -60)
        #expect(rig.engine.isSettled)
      }
    }
  }
}

/// What of a sound lies above the low tones.
enum ClickSound {
  static func above(_ sound: [Float]) -> [Float] {
    let half = 80
    let cutoff = 1400.0 / 48_000
    let taps = (-half...half).map { tap -> Float in
      let time = Double(tap)
      let window = 0.42 + 0.5 * cos(.pi * time / Double(half + 1)) + 0.08 * cos(2 * .pi * time / Double(half + 1))
      return Float(window * (tap == 0 ? 2 * cutoff : sin(2 * .pi * cutoff * time) / (.pi * time)))
    }
    var output = sound
    for frame in half..<max(sound.count - half, half) {
      var sum: Float = 0
      for (index, weight) in taps.enumerated() { sum += weight * sound[frame + index - half] }
      output[frame] -= sum
    }
    for frame in 0..<min(half, output.count) { output[frame] = 0 }
    for frame in max(output.count - half, 0)..<output.count { output[frame] = 0 }
    return output
  }
}

/// Figures are printed when somebody asks for them.
func report(_ line: @autoclosure () -> String) {
  if getenv("STREAMD_FIGURES") != nil { print("  | \(line())") }
}
