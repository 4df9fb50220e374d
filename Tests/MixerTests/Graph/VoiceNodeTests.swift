import AudioCore
import Glibc
import Mixer
import Testing

/// Nodes for what clients say.
@Suite struct VoiceNodeTests {
  private func power(_ samples: some Sequence<Float>) -> Double {
    samples.reduce(1e-30) { $0 + Double($1) * Double($1) }
  }

  private func reading(_ rig: GraphRig, _ node: NodeID, _ name: String) -> Double? {
    rig.engine.readings(of: node).first { $0.name == name }?.value
  }

  @Test(arguments: ["native", "speex"]) func noiseIsTurnedDown(engine: String) throws {
    let rig = GraphRig(layout: .mono) { channel, position in MixRig.noise(channel, position) * 0.1 }
    var node = NodeID(0)
    try rig.edit { graph in
      let input = try graph.add("input", "in", settings: ["channels": .text("mono")])
      node = try graph.add(
        "denoise", "noise", settings: ["engine": .text(engine)], parameters: ["strength": 12], from: [input])
      try graph.add("output", "out", settings: ["channels": .text("mono")], from: [node])
    }
    rig.play(96_000)
    let loud = power((0..<24_000).map { MixRig.noise(0, Int64($0)) * 0.1 })
    #expect(power(rig.played[0].suffix(24_000)) < loud / 8)
    #expect(try #require(reading(rig, node, "reduction")) > 9)
    _ = try rig.engine.commit([.set(node, "enabled", 0)])
    rig.play(24_000)
    #expect(reading(rig, node, "reduction") == 0)
    let end = rig.played[0].count
    #expect(
      (end - 4800..<end).allSatisfy { rig.played[0][$0] == finite(MixRig.noise(0, Int64($0 - 960)) * 0.1) })
  }

  @Test func anEchoIsFoundAndGoes() throws {
    let rig = GraphRig(layout: .mono) { channel, position in MixRig.noise(channel, position) * 0.1 }
    let mono: [String: SettingValue] = ["channels": .text("mono")]
    var node = NodeID(0)
    try rig.edit { graph in
      let far = try graph.add("input", "in", settings: mono)
      let way = try graph.add("delay", "way", settings: mono, parameters: ["time": 120], from: [far])
      let room = try graph.add("gain", "room", settings: mono, parameters: ["gain": -6], from: [way])
      node = try graph.add("echo_cancel", "echo", from: [room])
      try graph.connect(far, node, input: 1)
      try graph.add("output", "out", settings: mono, from: [node])
    }
    rig.play(4 * 48_000)
    #expect(abs(try #require(reading(rig, node, "delay")) - 120) < 10)
    #expect(try #require(reading(rig, node, "enhancement")) > 25)
    let loud = power((0..<24_000).map { MixRig.noise(0, Int64($0)) * 0.05 })
    #expect(power(rig.played[0].suffix(24_000)) < loud / 300)
  }
}
