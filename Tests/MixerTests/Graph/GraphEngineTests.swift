import AudioCore
import CRenderGuard
import Mixer
import Testing

/// What the engine does with edits while it plays.
@Suite struct GraphEngineTests {
  @Test func whatStartsTogetherIsUntouched() throws {
    let rig = GraphRig { channel, position in MixRig.noise(channel, position) }
    try rig.edit { graph in
      let input = try graph.add("input", "in")
      try graph.add("output", "out", from: [input])
    }
    rig.play(10_000, quantum: 333)
    for channel in 0..<2 {
      #expect(rig.played[channel].enumerated().allSatisfy { $1 == MixRig.noise(channel, Int64($0)) })
    }
    #expect(rig.engine.isSettled)
  }

  @Test func connectionsFadeInAndOut() throws {
    let rig = GraphRig { _, _ in 0.5 }
    let input = rig.engine.graph.freshID
    try rig.edit { graph in
      try graph.add("input", "in")
      try graph.add("output", "out")
    }
    rig.play(256)
    let connection = Connection(from: PortID(input), to: PortID(NodeID(input.value + 1)))
    try rig.engine.commit([.connect(connection)])
    rig.play(2048)
    #expect(rig.played[0][255] == 0 && rig.played[0][256] > 0)
    #expect(rig.played[0][256 + 359] == 0.25, "half of 15 ms")
    #expect(rig.last[0] == 0.5)
    try rig.engine.commit([.disconnect(connection)])
    rig.play(2048)
    #expect(rig.last[0] == 0)
    #expect(largestStep(rig.played[0]) <= 1.5 * 0.5 / 720 * 1.001)
    #expect(rig.engine.isSettled)
  }

  /// One source for another: the sum of both ways is what it was.
  @Test func changeOfTheSourceIsACrossFade() throws {
    let rig = GraphRig { _, _ in 0.5 }
    var ids: [NodeID] = []
    try rig.edit { graph in
      ids.append(try graph.add("input", "one"))
      ids.append(try graph.add("output", "out", from: ids))
    }
    rig.play(1000)
    try rig.edit { graph in
      try graph.apply(.remove(ids[0]))
      try graph.add("input", "two")
      try graph.connect(NodeID(3), ids[1])
    }
    rig.play(4000)
    #expect(rig.played[0].allSatisfy { abs($0 - 0.5) < 1e-6 })
    #expect(rig.engine.processorCount == 2)
  }

  @Test func stateSurvivesEditsElsewhere() throws {
    func played(edited: Bool) throws -> [Float] {
      let rig = GraphRig()
      var ids: [NodeID] = []
      try rig.edit { graph in
        ids.append(try graph.add("tone", "t", parameters: ["frequency": 333]))
        ids.append(try graph.add("delay", "d", parameters: ["time": 7], from: [ids[0]]))
        ids.append(try graph.add("output", "out", from: [ids[1]]))
      }
      for round in 0..<20 {
        if edited, round % 2 == 0 {
          try rig.edit { graph in
            let noise = try graph.add("tone", "n\(round)", settings: ["wave": .text("white")])
            try graph.add("meter", "m\(round)", from: [noise, ids[1]])
          }
        } else if edited {
          try rig.edit { graph in
            for name in ["n\(round - 1)", "m\(round - 1)"] {
              if let node = graph.node(named: name) { try graph.apply(.remove(node.id)) }
            }
          }
        }
        rig.play(1000)
      }
      return rig.played[1]
    }
    #expect(try played(edited: true) == played(edited: false))
  }

  /// A structural change is another processor; the old one is heard until the new one has taken over.
  @Test func structureChangesWithAFade() throws {
    let rig = GraphRig { _, _ in 0.5 }
    var ids: [NodeID] = []
    try rig.edit { graph in
      ids.append(try graph.add("input", "in"))
      ids.append(try graph.add("mixer", "mix", settings: ["inputs": .integer(1)], from: ids))
      ids.append(try graph.add("output", "out", from: [ids[1]]))
    }
    rig.play(1000)
    let before = try #require(rig.engine.processor(of: ids[1]))
    try rig.engine.commit([.configure(ids[1], "inputs", .integer(4))])
    #expect(rig.engine.processor(of: ids[1]) !== before)
    #expect(rig.engine.processorCount == 4, "both are at work")
    rig.play(3000)
    #expect(rig.played[0].allSatisfy { abs($0 - 0.5) < 1e-6 })
    #expect(rig.engine.processorCount == 3)
    try rig.engine.commit([.set(ids[1], "level.4", -3)])
  }

  /// What is taken out and put back while it fades is the same processor.
  @Test func regretIsPossible() throws {
    let rig = GraphRig { _, _ in 0.5 }
    var ids: [NodeID] = []
    try rig.edit { graph in
      ids.append(try graph.add("input", "in"))
      ids.append(try graph.add("gain", "g", from: ids))
      ids.append(try graph.add("output", "out", from: [ids[1]]))
    }
    rig.play(512)
    let (full, processor) = (rig.engine.graph, rig.engine.processor(of: ids[1]))
    try rig.engine.commit([.remove(ids[1])])
    rig.play(300, quantum: 100)
    let low = rig.last[0]
    #expect(low < 0.4 && low > 0.2)
    try rig.engine.commit(full)
    #expect(rig.engine.processor(of: ids[1]) === processor)
    rig.play(300, quantum: 100)
    #expect(rig.last[0] == 0.5)
    #expect(rig.played[0].min() == low)
    #expect(largestStep(rig.played[0]) <= 1.5 * 0.5 / 720 * 1.001)
  }

  /// The new way round would, with the old one that still fades, be a circle: it waits.
  @Test func oppositeWayWaitsForTheOldOne() throws {
    let rig = GraphRig { _, _ in 0.5 }
    var ids: [NodeID] = []
    try rig.edit { graph in
      ids.append(try graph.add("input", "in"))
      for name in ["a", "b"] { ids.append(try graph.add("gain", name, from: [ids[ids.count - 1]])) }
      ids.append(try graph.add("output", "out", from: [ids[2]]))
    }
    rig.play(512)
    try rig.edit { graph in
      let (a, b) = (PortID(ids[1]), PortID(ids[2]))
      for (from, to) in [(PortID(ids[0]), a), (a, b), (b, PortID(ids[3]))] {
        try graph.apply(.disconnect(Connection(from: from, to: to)))
      }
      for (from, to) in [(PortID(ids[0]), b), (b, a), (a, PortID(ids[3]))] {
        try graph.apply(.connect(Connection(from: from, to: to)))
      }
    }
    #expect(!rig.engine.isSettled)
    rig.play(6000)
    #expect(rig.engine.isSettled)
    #expect(rig.last[0] == 0.5)
    #expect(largestStep(rig.played[0]) < 0.5 / 720 * 3)
  }

  /// Edits that no cycle comes between leave nothing behind: what was never heard need not fade.
  @Test func editsWithoutACycleDoNotPileUp() throws {
    let rig = GraphRig { _, _ in 0.5 }
    var ids: [NodeID] = []
    try rig.edit { graph in
      ids.append(try graph.add("input", "in"))
      ids.append(try graph.add("output", "out", from: ids))
    }
    rig.play(512)
    for round in 0..<500 {
      try rig.edit { graph in
        let gain = try graph.add("gain", "g\(round)", from: [ids[0]])
        try graph.connect(gain, ids[1])
        if let old = graph.node(named: "g\(round - 1)") { try graph.apply(.remove(old.id)) }
      }
      #expect(rig.engine.processorCount == 3)
    }
  }

  @Test func longWaysAreWaitedFor() throws {
    let catalog = NodeCatalog.linked.adding([NodeDescriptor(LateNode.self)])
    let rig = GraphRig(catalog: catalog) { channel, position in position == 5000 ? 1 : 0 }
    var ids: [NodeID] = []
    let report = try rig.edit { graph in
      ids.append(try graph.add("input", "in"))
      ids.append(try graph.add("late", "late", settings: ["frames": .integer(300)], from: [ids[0]]))
      ids.append(try graph.add("gain", "short", from: [ids[0]]))
      ids.append(try graph.add("gain", "sum", from: [ids[1], ids[2]]))
      ids.append(try graph.add("output", "out", from: [ids[3]]))
    }
    #expect(report.latency == 300)
    rig.play(8000, quantum: 77)
    #expect(rig.played[0].enumerated().allSatisfy { $1 == ($0 == 5300 ? 2 : 0) })
  }

  /// A longer way beside a shorter one that plays: no gap and no click where its delay begins.
  @Test func latencyThatComesAndGoesIsNotHeard() throws {
    let catalog = NodeCatalog.linked.adding([NodeDescriptor(LateNode.self)])
    let rig = GraphRig(catalog: catalog) { _, _ in 0.25 }
    var ids: [NodeID] = []
    try rig.edit { graph in
      ids.append(try graph.add("input", "in"))
      ids.append(try graph.add("gain", "a", from: [ids[0]]))
      ids.append(try graph.add("output", "out", from: [ids[0], ids[1]]))
    }
    rig.play(1000)
    try rig.engine.commit([
      .add(GraphNode(id: NodeID(10), name: "late", kind: "late", settings: ["frames": .integer(2000)])),
      .connect(Connection(from: PortID(ids[0]), to: PortID(NodeID(10)))),
      .connect(Connection(from: PortID(NodeID(10)), to: PortID(ids[2]))),
      .disconnect(Connection(from: PortID(ids[1]), to: PortID(ids[2]))),
    ])
    rig.play(6000)
    try rig.engine.commit([.remove(NodeID(10)), .connect(Connection(from: PortID(ids[1]), to: PortID(ids[2])))])
    rig.play(6000)
    #expect(rig.played[0].allSatisfy { abs($0 - 0.5) < 1e-6 }, "\(rig.played[0].min() ?? 0)")
    #expect(rig.engine.isSettled)
  }

  @Test(arguments: [1, 7, 64, 480, 8192]) func blocksMayBeCutAnywhere(quantum: Int) throws {
    func played(_ quantum: Int, _ block: FrameCount) throws -> [[Float]] {
      let rig = GraphRig(block: block) { MixRig.noise($0, $1) * 0.1 }
      try rig.edit { graph in
        let input = try graph.add("input", "in")
        var sources = [input]
        for wave in ToneWaves.all {
          sources.append(try graph.add("tone", wave, settings: ["wave": .text(wave), "period": .number(0.1)]))
        }
        let mix = try graph.add("mixer", "mix", settings: ["inputs": .integer(8)])
        for (port, source) in sources.enumerated() { try graph.connect(source, mix, input: port) }
        let delay = try graph.add("delay", "late", parameters: ["time": 3], from: [mix])
        let pan = try graph.add("pan", "p", settings: ["channels": .text("stereo")], from: [delay])
        let gain = try graph.add("gain", "g", from: [pan, input])
        try graph.add("output", "out", from: [gain])
      }
      let ids = Dictionary(uniqueKeysWithValues: rig.engine.graph.sortedNodes.map { ($0.name, $0.id) })
      let id = { (name: String) in try #require(ids[name]) }
      rig.play(8192, quantum: quantum)
      try rig.engine.commit([
        .set(id("g"), "gain", -9), .set(id("mix"), "solo.3", 1), .set(id("late"), "time", 12),
        .set(id("p"), "pan", 0.7), .set(id("saw"), "frequency", 1000), .remove(id("pink")),
      ])
      rig.play(8192, quantum: quantum)
      return rig.played
    }
    let whole = try played(1024, 1024)
    #expect(whole[0].contains { $0 != 0 })
    #expect(try played(quantum, 512) == whole)
    #expect(try played(quantum, 19) == whole)
  }
}

enum ToneWaves {
  static let all = ["sine", "square", "saw", "white", "pink", "sweep", "impulse"]
}

/// Nothing but latency.
enum LateNode: NodeKind {
  static let kind = "late"
  static let summary = "Late."
  static let settings: [SettingSpec] = [
    .layout(), SettingSpec("frames", "how late", .integer(1...10_000), initial: .integer(100)),
  ]
  static func shape(_ settings: Settings) -> NodeShape { .effect(settings.layout()) }
  static func makeProcessor(_ context: NodeContext) -> Processor {
    let frames = context.settings.integer("frames")
    return LateProcessor(
      context, latency: FrameCount(frames), LateState(frames: frames, channels: context.settings.layout().count))
  }
}

struct LateState: ~Copyable {
  private let frames: Int
  private let line: UnsafeMutablePointer<Float>
  private var place = 0

  init(frames: Int, channels: Int) {
    self.frames = frames
    line = .allocate(capacity: frames * channels)
    line.initialize(repeating: 0, count: frames * channels)
  }

  deinit { line.deallocate() }

  @_noLocks
  mutating func render(_ block: NodeBlock) {
    let planes = block.carry()
    for frame in 0..<block.frames {
      var channel = 0
      while channel < planes.count {
        let held = line[channel &* frames &+ place]
        line[channel &* frames &+ place] = finite(planes[channel][frame])
        planes[channel][frame] = held
        channel += 1
      }
      place = place &+ 1 == frames ? 0 : place &+ 1
    }
  }
}

final class LateProcessor: StateProcessor<LateState>, @unchecked Sendable {
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: LateState.self).pointee.render(block)
  }
}
