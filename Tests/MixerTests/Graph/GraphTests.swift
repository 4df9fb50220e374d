import AudioCore
import Mixer
import Testing

/// Edits of the value, and what is refused.
@Suite struct GraphTests {
  private func refusal(_ engine: Engine, _ edits: [GraphEdit]) -> GraphError? {
    do throws(GraphError) {
      try engine.commit(edits)
      return nil
    } catch {
      return error
    }
  }

  private func chain() throws -> (GraphRig, [NodeID]) {
    let rig = GraphRig { _, _ in 0.25 }
    var ids: [NodeID] = []
    try rig.edit { graph in
      ids.append(try graph.add("input", "in"))
      for name in ["a", "b", "c"] { ids.append(try graph.add("gain", name, from: [ids[ids.count - 1]])) }
      ids.append(try graph.add("output", "out", from: [ids[ids.count - 1]]))
    }
    return (rig, ids)
  }

  @Test func cycleIsNamedAndNothingChanges() throws {
    let (rig, ids) = try chain()
    rig.play(512)
    let before = (rig.engine.graph, rig.engine.generation)
    let error = refusal(
      rig.engine,
      [
        .set(ids[1], "gain", -6), .add(GraphNode(id: NodeID(99), name: "d", kind: "gain")),
        .connect(Connection(from: PortID(ids[3]), to: PortID(NodeID(99)))),
        .connect(Connection(from: PortID(NodeID(99)), to: PortID(ids[1]))),
      ])
    #expect(error == .cycle(["a", "b", "c", "d"]))
    #expect(error?.code == "cycle")
    #expect(error?.message.contains("a → b → c → d → a") == true)
    #expect(rig.engine.graph == before.0 && rig.engine.generation == before.1)
    rig.play(2048)
    #expect(rig.played[0].allSatisfy { $0 == 0.25 }, "the gain of the refused batch was set")
  }

  @Test func nodeThatFeedsItselfIsACycle() throws {
    let (rig, ids) = try chain()
    #expect(refusal(rig.engine, [.connect(Connection(from: PortID(ids[2]), to: PortID(ids[2])))]) == .cycle(["b"]))
  }

  @Test func clashNamesBothSides() throws {
    let (rig, ids) = try chain()
    let node = GraphNode(id: NodeID(50), name: "wide", kind: "gain", settings: ["channels": .integer(6)])
    let error = refusal(
      rig.engine, [.add(node), .connect(Connection(from: PortID(ids[1]), to: PortID(NodeID(50))))])
    #expect(error == .clash(from: "a", has: .stereo, to: "wide", wants: .surround51))
    #expect(error?.message.contains("stereo") == true && error?.message.contains("5.1") == true)
  }

  @Test func everyRefusalHasItsCode() throws {
    let (rig, ids) = try chain()
    let known = Connection(from: PortID(ids[0]), to: PortID(ids[1]))
    let cases: [(GraphEdit, String)] = [
      (.add(GraphNode(id: NodeID(50), name: "x", kind: "gian")), "unknown_kind"),
      (.add(GraphNode(id: NodeID(50), name: "a", kind: "gain")), "name_taken"),
      (.add(GraphNode(id: NodeID(50), name: "a:b", kind: "gain")), "bad_name"),
      (.add(GraphNode(id: NodeID(50), name: "", kind: "gain")), "bad_name"),
      (.add(GraphNode(id: ids[0], name: "x", kind: "gain")), "id_taken"),
      (.add(GraphNode(id: NodeID(50), name: "x", kind: "gain", settings: ["size": .integer(1)])), "unknown_setting"),
      (.add(GraphNode(id: NodeID(50), name: "x", kind: "gain", settings: ["channels": .integer(3)])), "bad_setting"),
      (.add(GraphNode(id: NodeID(50), name: "x", kind: "mixer", settings: ["inputs": .integer(65)])), "bad_setting"),
      (
        .add(GraphNode(id: NodeID(50), name: "x", kind: "channel_map", settings: ["matrix": .numbers([1])])),
        "bad_setting"
      ),
      (.remove(NodeID(50)), "unknown_node"), (.rename(ids[1], "b"), "name_taken"),
      (.connect(known), "already_connected"),
      (.disconnect(Connection(from: PortID(ids[0]), to: PortID(ids[4]))), "not_connected"),
      (.connect(Connection(from: PortID(ids[0], 1), to: PortID(ids[2]))), "unknown_port"),
      (.connect(Connection(from: PortID(ids[0]), to: PortID(ids[2], -1))), "unknown_port"),
      (.connect(Connection(from: PortID(ids[4]), to: PortID(ids[2]))), "unknown_port"),
      (.set(ids[1], "gian", 0), "unknown_parameter"), (.set(ids[1], "gain", 25), "out_of_range"),
      (.set(ids[1], "gain", .nan), "out_of_range"), (.set(ids[1], "mute", 0.5), "out_of_range"),
      (.configure(ids[1], "channels", .text("9.1")), "bad_setting"),
      (.configure(ids[1], "channels", .text("mono")), "channel_clash"),
    ]
    let before = (rig.engine.graph, rig.engine.generation)
    for (edit, code) in cases { #expect(refusal(rig.engine, [edit])?.code == code, "\(edit)") }
    #expect(rig.engine.graph == before.0 && rig.engine.generation == before.1)
  }

  @Test func quotasHold() throws {
    var settings = EngineSettings()
    settings.limits = GraphLimits(nodes: 3, connections: 1)
    let engine = Engine(settings)
    var graph = engine.graph
    let ids = try (0..<3).map { try graph.add("gain", "g\($0)") }
    try graph.connect(ids[0], ids[1])
    #expect(throws: GraphError.tooManyNodes(3)) { try graph.add("gain", "one more") }
    #expect(throws: GraphError.tooManyConnections(1)) { try graph.connect(ids[1], ids[2]) }
    try engine.commit(graph)
  }

  /// Ten seconds of eight channels are 30 MiB, at twice the rate 60.
  @Test func memoryIsBounded() throws {
    let long: [String: SettingValue] = ["maximum": .number(10_000), "channels": .text("7.1")]
    func edit(_ id: Int) -> GraphEdit {
      .add(GraphNode(id: NodeID(id), name: "d\(id)", kind: "delay", settings: long))
    }
    for (rate, most) in [(48_000, 3), (96_000, 1)] {
      var settings = EngineSettings(rate: SampleRate(hertz: rate))
      settings.limits = GraphLimits(bytes: 100 << 20)
      let engine = Engine(settings)
      for id in 1...most { try engine.commit([edit(id)]) }
      #expect(refusal(engine, [edit(most + 1)])?.code == "too_much_memory")
      #expect(engine.graph.nodes.count == most)
      // What takes nothing worth the word has its place.
      try engine.commit([.add(GraphNode(id: NodeID(100), name: "g", kind: "gain"))])
      try engine.commit([.remove(NodeID(1))])
      try engine.commit([edit(most + 1)])
    }
  }

  @Test func removingANodeTakesItsConnections() throws {
    let (rig, ids) = try chain()
    try rig.engine.commit([.remove(ids[2])])
    #expect(
      rig.engine.graph.sortedConnections.map { [$0.from.node, $0.to.node] } == [[ids[0], ids[1]], [ids[3], ids[4]]])
    #expect(rig.engine.graph.freshID > ids[4])
  }

  @Test func liveValuesMakeNoPlan() throws {
    let (rig, ids) = try chain()
    rig.play(512)
    let report = try rig.engine.commit([.set(ids[1], "gain", -20)])
    #expect(report.generation == 1)
    rig.play(4800)
    #expect(abs(rig.last[0] - 0.025) < 1e-6)
    try rig.engine.commit([.ramp(ids[1], "gain", 0, over: .milliseconds(100))])
    rig.play(2400)
    #expect(abs(rig.last[0] - 0.25 * 0.55) < 1e-4, "half way after half the time: \(rig.last)")
    rig.play(2400)
    #expect(rig.last[0] == 0.25)
  }
}
