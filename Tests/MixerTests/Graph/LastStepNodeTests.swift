import AudioCore
import Glibc
import Mixer
import Testing

/// Nodes for the end of a chain: what headphones get, and what files of whole numbers get.
@Suite struct LastStepNodeTests {
  private func rig(
    _ kind: String, _ settings: [String: SettingValue] = [:], parameters: [String: Double] = [:],
    signal: @escaping OfflineRun.Signal
  ) throws -> (rig: GraphRig, node: NodeID) {
    let rig = GraphRig(signal: signal)
    var node = NodeID(0)
    try rig.edit { graph in
      let input = try graph.add("input", "in")
      node = try graph.add(kind, "under test", settings: settings, parameters: parameters, from: [input])
      try graph.add("output", "out", from: [node])
    }
    return (rig, node)
  }

  /// A low tone on the left reaches the right as much softer as was asked for, also when that changes while it plays.
  @Test func theOtherEarHearsSome() throws {
    let (rig, node) = try rig("crossfeed", parameters: ["separation": 6]) { channel, position in
      channel == 0 ? Float(sin(Double(position) * 2 * .pi * 40 / 48_000)) / 2 : 0
    }
    func separation() -> Double {
      let count = 12_000
      let power = rig.played.map { $0.suffix(count).reduce(0.0) { $0 + Double($1) * Double($1) } }
      return 10 * log10(power[0] / power[1])
    }
    rig.play(48_000)
    #expect(abs(separation() - 6) < 0.3, "\(separation())")
    _ = try rig.engine.commit([.set(node, "separation", 12)])
    rig.play(48_000)
    #expect(abs(separation() - 12) < 0.3, "\(separation())")
    #expect(largestStep(rig.played[1]) < 0.01)
    _ = try rig.engine.commit([.set(node, "enabled", 0)])
    rig.play(48_000)
    #expect(rig.played[1].suffix(12_000).allSatisfy { $0 == 0 })
    let mono: [String: SettingValue] = ["channels": .text("mono")]
    #expect(throws: GraphError.self) {
      try rig.edit { graph in try graph.add("crossfeed", "one", settings: mono) }
    }
  }

  /// Whole steps of the format, around the sound; the same seed is the same noise, another one another.
  @Test(arguments: [8, 16, 24]) func everythingIsAWholeStep(bits: Int) throws {
    let sound: OfflineRun.Signal = { channel, position in Float(position % 4801) / 9602 - Float(channel) / 4 }
    func played(_ settings: [String: SettingValue]) throws -> [[Float]] {
      let (rig, _) = try rig("dither", settings.merging(["bits": .integer(bits)]) { $1 }, signal: sound)
      rig.play(9600)
      return rig.played.map { Array($0.dropFirst(4800)) }
    }
    let step = 1 / Float(1 << (bits - 1))
    let flat = try played([:])
    for channel in 0..<2 {
      for (frame, sample) in flat[channel].enumerated() {
        #expect((sample / step).rounded() == sample / step)
        let exact = sound(channel, Int64(frame + 4800))
        #expect(abs(sample - exact) <= 1.5 * step + 1e-7)
      }
    }
    #expect(try played([:]) == flat)
    #expect(try played(["seed": .integer(2)]) != flat)
    let rounded = try played(["shape": .text("off")])
    for (frame, sample) in rounded[0].enumerated() {
      #expect(abs(sample - sound(0, Int64(frame + 4800))) <= step / 2 + 1e-7)
    }
  }
}
