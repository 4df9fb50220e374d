import AppRings
import AudioCore
import CAppRing
import CRenderGuard
import Glibc
import Mixer
import Testing

/// Edits of graphs that have rings as ends.
extension RingNodeTests {
  @Test func whatCannotBeIsRefused() throws {
    let (source, sink) = (try TestRing(.source), try TestRing(.sink))
    let rig = RingGraph()
    rig.directory.add(source.ring, identifier: "r1", name: "game")
    rig.directory.add(sink.ring, identifier: "r2", name: "")
    #expect(rig.refusal("app_source", ["ring": .text("nothing")]) == "unknown_ring")
    #expect(rig.refusal("app_source", ["ring": .text("")]) == "unknown_ring", "a ring without a name has none")
    #expect(rig.refusal("app_source", ["ring": .text("r2")]) == "ring_direction")
    #expect(rig.refusal("app_sink", ["ring": .text("game")]) == "ring_direction")
    #expect(rig.refusal("app_sink", [:]) == "missing_setting")
    #expect(rig.engine.graph.nodes.isEmpty && rig.engine.generation == 0)
    #expect(rig.refusal("app_source", ["ring": .text("game")]) == nil && source.ring.isInUse)
    #expect(rig.refusal("app_source", ["ring": .text("r1")]) == "ring_in_use")
    #expect(rig.refusal("app_sink", ["ring": .text("r2")]) == nil && sink.ring.isInUse)
    #expect(rig.refusal("app_sink", ["ring": .text("r2")]) == "ring_in_use")
    rig.directory.remove(source.ring)
    #expect(rig.refusal("app_source", ["ring": .text("r1")]) == "unknown_ring")

    let without = Engine()
    for kind in ["app_source", "app_sink"] {
      let node = GraphNode(id: NodeID(1), name: "a", kind: kind, settings: ["ring": .text("game")])
      do throws(GraphError) {
        try without.commit([.add(node)])
        Issue.record("a ring without rings")
      } catch {
        #expect(error.code == "unavailable")
      }
      var graph = Graph()
      try graph.apply(.add(node))
      #expect(try Engine.check(graph).nodes == 1, "a check touches no ring")
    }
  }

  /// An edit that is refused for another reason has taken no ring.
  @Test func refusedEditsGiveTheRingBack() throws {
    let ring = try TestRing(.source)
    let rig = RingGraph()
    rig.directory.add(ring.ring, identifier: "r1", name: "")
    #expect(throws: GraphError.self) {
      try rig.engine.commit([
        .add(GraphNode(id: NodeID(1), name: "a", kind: "app_source", settings: ["ring": .text("r1")])),
        .add(GraphNode(id: NodeID(2), name: "b", kind: "app_source", settings: ["ring": .text("r1")])),
      ])
    }
    #expect(!ring.ring.isInUse && rig.refusal("app_source", ["ring": .text("r1")]) == nil)
  }

  @Test func editsElsewhereAreNotHeard() throws {
    let ring = try TestRing(.source, capacity: 8192, high: 64)
    let rig = RingGraph()
    _ = try rig.play(ring)
    rig.settle()
    var (written, heard) = (ring.put(4096, Self.noise), [Float]())
    for round in 0..<60 {
      let more = NodeID(100 + round / 2)
      if round % 2 == 0 {
        try rig.engine.commit([.add(GraphNode(id: more, name: "tone", kind: "tone"))])
      } else {
        try rig.engine.commit([.remove(more)])
      }
      heard += rig.advance(300)[0]
      written += ring.put(300) { Self.noise($0, written + $1) }
    }
    #expect(heard.enumerated().allSatisfy { $1 == Self.noise(0, $0) })
  }

  /// The end comes back when the node has faded, and the sound goes on where it stopped.
  @Test func removedNodesGiveTheRingBack() throws {
    let ring = try TestRing(.source, capacity: 16_384, high: 64)
    let rig = RingGraph()
    let node = try rig.play(ring)
    rig.settle()
    ring.put(16_000, Self.noise)
    rig.advance(256)
    try rig.engine.commit([.remove(node)])
    let other = RingGraph()
    other.directory.add(ring.ring, identifier: "r1", name: "")
    #expect(other.refusal("app_source", ["ring": .text("r1")]) == "ring_in_use", "it is heard still")
    for _ in 0..<6 { rig.advance(256) }
    #expect(!ring.ring.isInUse && ring.notice.state == 0)
    #expect(rig.played[0].suffix(256).allSatisfy { $0 == 0 })
    let read = Int(ring.notice.read)
    let again = NodeID(50)
    try rig.engine.commit([
      .add(GraphNode(id: again, name: "again", kind: "app_source", settings: ["ring": .text("game")])),
      .connect(Connection(from: PortID(again), to: PortID(try output(of: rig)))),
    ])
    let first = rig.played[0].count
    for _ in 0..<8 { rig.advance(256) }
    #expect(rig.played[0][(first + 1000)...].enumerated().allSatisfy { $1 == Self.noise(0, read + 1000 + $0) })
  }

  private func output(of rig: RingGraph) throws -> NodeID {
    try #require(rig.engine.graph.nodes.values.first { $0.kind == "output" }).id
  }

  /// Another node in the place of one that plays, by one edit: the sound goes from one to the other without a seam, in
  /// either order of the two.
  @Test(arguments: [1, 90], [44_100, 48_000]) func aNodeMayTakeTheRingOfAnother(id: Int, rate: Int) throws {
    let ring = try TestRing(.source, capacity: 16_384, high: 64, rate: rate)
    let rig = RingGraph()
    rig.directory.add(ring.ring, identifier: "r1", name: "game")
    let (old, new, out) = (NodeID(50), NodeID(id), NodeID(60))
    func node(_ id: NodeID, _ ring: String) -> GraphEdit {
      .add(GraphNode(id: id, name: "n\(id.value)", kind: "app_source", settings: ["ring": .text(ring)]))
    }
    try rig.engine.commit([
      node(old, "game"), .add(GraphNode(id: out, name: "out", kind: "output")),
      .connect(Connection(from: PortID(old), to: PortID(out))),
    ])
    rig.settle()
    var written = 0
    func put(_ frames: Int) {
      written += ring.put(frames) { _, frame in Float(sin(Double(written + frame) / 10)) * 0.5 }
    }
    put(2000)
    rig.advance(512)
    try rig.engine.commit([.remove(old), node(new, "r1"), .connect(Connection(from: PortID(new), to: PortID(out)))])
    guarded {
      for _ in 0..<20 {
        put(300)
        rig.advance(256)
      }
    }
    #expect(rig.engine.isSettled && rig.engine.processorCount == 2 && ring.ring.isInUse)
    #expect(rig.reading(new, "xruns") == 0)
    // The two were summed with gains that make one.
    let heard = rig.played[0].suffix(22 * 256 - 200)
    if rate == 48_000 {
      let first = 22 * 256 - heard.count
      let worst = heard.enumerated().map { abs($1 - Float(sin(Double(first + $0) / 10)) * 0.5) }.max() ?? 1
      #expect(worst < 1e-6, "\(worst)")
    }
    #expect(largestStep(heard) < 0.06)
  }

  /// The same of a sink, in which both are summed while one fades into the other.
  @Test(arguments: [1, 90], [44_100, 48_000]) func aSinkMayTakeTheRingOfAnother(id: Int, rate: Int) throws {
    let ring = try TestRing(.sink, capacity: 16_384, rate: rate)
    let rig = RingGraph { _, position in Float(sin(Double(position) / 10)) * 0.5 }
    rig.directory.add(ring.ring, identifier: "r1", name: "recorder")
    let (old, new, input) = (NodeID(50), NodeID(id), NodeID(60))
    func edits(_ id: NodeID, _ ring: String) -> [GraphEdit] {
      [
        .add(GraphNode(id: id, name: "n\(id.value)", kind: "app_sink", settings: ["ring": .text(ring)])),
        .connect(Connection(from: PortID(input), to: PortID(id))),
      ]
    }
    try rig.engine.commit([.add(GraphNode(id: input, name: "in", kind: "input"))] + edits(old, "recorder"))
    rig.settle()
    _ = ring.get(16_384)
    var got: [Float] = []
    guarded {
      for round in 0..<20 {
        if round == 3 { _ = try? rig.engine.commit([.remove(old)] + edits(new, "r1")) }
        rig.advance(256)
        got += ring.get(16_384)[1]
      }
    }
    #expect(rig.engine.isSettled && rig.engine.processorCount == 2 && rig.reading(new, "xruns") == 0)
    #expect(abs(got.count - 20 * 256 * rate / 48_000) <= 1, "each block is written once")
    if rate == 48_000 {
      let worst = got.enumerated().map { abs($1 - Float(sin(Double(2048 + $0) / 10)) * 0.5) }.max() ?? 1
      #expect(worst < 1e-6, "\(worst)")
    }
    #expect(largestStep(got) < 0.06 && (got.map(abs).max() ?? 1) < 0.501)
  }

  /// Another layout is another processor at the same end.
  @Test func channelsMayChangeWhileItPlays() throws {
    let ring = try TestRing(.source, capacity: 8192, high: 64)
    let rig = RingGraph()
    let node = try rig.play(ring)
    rig.settle()
    ring.put(4000) { _, _ in 0.25 }
    rig.advance(256)
    var graph = rig.engine.graph
    let out = try output(of: rig)
    try graph.apply(.remove(node))
    try graph.apply(
      .add(
        GraphNode(
          id: node, name: "game", kind: "app_source", settings: ["ring": .text("game"), "channels": .integer(1)])))
    let map = try graph.add(
      "channel_map", "map", settings: ["from": .text("mono"), "to": .text("stereo")], from: [node])
    try graph.connect(map, out)
    try rig.engine.commit(graph)
    for _ in 0..<8 { rig.advance(256) }
    #expect(rig.played[0].suffix(8 * 256).allSatisfy { abs($0 - 0.25) < 1e-6 })
    #expect(rig.engine.isSettled && rig.reading(node, "fill") == Double(4000 - 9 * 256))
  }

  @Test func ringsAndNodesComeAndGo() throws {
    let rounds = 10_000
    let bells = RingBells()
    let rig = RingGraph()
    let output = NodeID(1)
    try rig.engine.commit([.add(GraphNode(id: output, name: "out", kind: "output"))])
    var heap = 0
    var before = RingRemains()
    weak var last: SharedRing?
    for round in 0..<rounds {
      // What the first rounds make stays: tables of the engine, of the library.
      if round == 500 {
        before = RingRemains()
        heap = cappring_heap()
      }
      let kind: RingDirection = round % 2 == 0 ? .source : .sink
      let ring = try TestRing(
        kind, channels: 1 + round % 8, capacity: 64, rate: round % 5 == 0 ? 44_100 : 48_000, bells: bells)
      last = ring.ring
      rig.directory.add(ring.ring, identifier: "r\(round)", name: "")
      let node = NodeID(2 + round)
      try rig.engine.commit([
        .add(
          GraphNode(
            id: node, name: "app", kind: kind == .source ? "app_source" : "app_sink",
            settings: ["ring": .text("r\(round)")]))
      ])
      if kind == .source { ring.put(64, Self.noise) }
      _ = rig.run.advance(256)
      #expect(ring.ring.isInUse)
      // The ring first, or the node.
      if round % 3 == 0 {
        rig.directory.remove(ring.ring)
        ring.ring.close()
      }
      try rig.engine.commit([.remove(node)])
      for _ in 0..<3 { _ = rig.run.advance(512) }
      #expect(!ring.ring.isInUse)
      rig.directory.remove(ring.ring)
    }
    #expect(last == nil)
    #expect(RingRemains() == before)
    let grown = Int(cappring_heap()) - Int(heap)
    // A sanitizer has a heap of its own.
    #expect(render_guard_available() == 0 || (heap > 0 && grown < 8 * rounds), "\(grown) bytes")
  }
}
