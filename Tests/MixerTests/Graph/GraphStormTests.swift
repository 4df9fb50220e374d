import AudioCore
import CRenderGuard
import Glibc
import Mixer
import Synchronization
import Testing

/// Edits without end under a graph that plays.
@Suite(.serialized) struct GraphStormTests {
  /// Random edits of everything but the nodes whose names begin with `keep`.
  private struct Storm {
    var random: SeededGenerator
    var graph: Graph
    private(set) var refused = 0

    init(_ seed: UInt64, _ graph: Graph) {
      random = SeededGenerator(seed)
      self.graph = graph
    }

    private mutating func pick() -> GraphNode? {
      graph.sortedNodes.filter { !$0.name.hasPrefix("keep") }.randomElement(using: &random)
    }

    /// One edit that may or may not be right.
    mutating func next() -> GraphEdit? {
      let loose = graph.nodes.count - 6
      switch Int.random(in: 0..<12, using: &random) {
      case 0, 1:
        guard loose < 20 else { return pick().map { .remove($0.id) } }
        let kind = ["gain", "mixer", "delay", "pan", "counted", "late"].randomElement(using: &random)!
        let id = graph.freshID
        var node = GraphNode(id: id, name: "\(kind)\(id.value)", kind: kind)
        switch kind {
        case "gain", "counted": node.parameters["gain"] = -12
        case "mixer": node.parameters["gain"] = -12
        case "pan": node.settings["channels"] = .text("stereo")
        case "delay":
          node.settings["maximum"] = .number(50)
          node.parameters["time"] = Double(Int.random(in: 0...50, using: &random))
        default: node.settings["frames"] = .integer(Int.random(in: 1...400, using: &random))
        }
        return .add(node)
      case 2: return loose > 12 ? pick().map { .remove($0.id) } : nil
      case 3...7:
        guard let to = pick() else { return nil }
        let sources = graph.sortedNodes.filter { $0.name == "keep source" || !$0.name.hasPrefix("keep") }
        guard let from = sources.randomElement(using: &random) else { return nil }
        let toOutput = Bool.random(using: &random)
        let target = toOutput ? graph.node(named: "keep output")!.id : to.id
        guard target != graph.node(named: "keep output")!.id || from.name != "keep source" else { return nil }
        return .connect(Connection(from: PortID(from.id), to: PortID(target)))
      case 8, 9:
        let loose = graph.sortedConnections.filter { connection in
          [connection.from.node, connection.to.node].contains { graph.nodes[$0]?.name.hasPrefix("keep") == false }
        }
        return loose.randomElement(using: &random).map { .disconnect($0) }
      case 10:
        guard let node = pick(), node.kind == "gain" || node.kind == "mixer" else { return nil }
        return .set(node.id, "gain", Double.random(in: -60...(-9), using: &random))
      default:
        guard let node = pick() else { return nil }
        switch node.kind {
        case "late": return .configure(node.id, "frames", .integer(Int.random(in: 1...400, using: &random)))
        case "delay": return .set(node.id, "time", Double(Int.random(in: 0...50, using: &random)))
        case "mixer": return .set(node.id, "mute.1", Bool.random(using: &random) ? 1 : 0)
        case "pan": return .set(node.id, "pan", Double.random(in: -1...1, using: &random))
        default: return nil
        }
      }
    }
  }

  private static let catalog = NodeCatalog.linked.adding([
    NodeDescriptor(LateNode.self), NodeDescriptor(CountedNode.self),
  ])

  private func base() throws -> Graph {
    var graph = Graph()
    let source = try graph.add("input", "keep source")
    let tone = try graph.add("tone", "keep tone", parameters: ["frequency": 997, "level": -6])
    let gain = try graph.add("gain", "keep gain", parameters: ["gain": -3], from: [tone])
    try graph.add("tap", "keep tap", from: [gain])
    try graph.add("output", "keep output")
    try graph.add("counted", "keep counted", parameters: ["gain": -12], from: [source])
    return graph
  }

  private func heard(_ reader: borrowing AudioRing.Reader, into samples: inout [Float]) {
    let count = reader.available
    for frame in 0..<count.value { samples.append(reader.sample(channel: 1, frame)) }
    reader.release(count)
  }

  /// −50 dBFS.
  private static let step: Float = 0.00316

  @Test func twentyThousandEdits() throws {
    CountedNode.living.store(0, ordering: .relaxed)
    let engine = Engine(catalog: Self.catalog)
    // A constant: whatever moves at the output is a fade.
    let run = OfflineRun(engine) { channel, _ in channel == 0 ? 0.25 : -0.25 }
    try engine.commit(base())
    let tap = try #require(engine.processor(of: NodeID(4)) as? TapProcessor)
    let ear = tap.listen()
    let reader = ear.makeReader()
    var storm = Storm(4711, engine.graph)
    var (edits, refusals, plans) = (0, 0, 0)
    var kept: [Float] = []
    var last: Float = 0
    var (largest, loudest): (Float, Float) = (0, 0)
    var codes: Set<String> = []
    render_guard_count_apart(1)
    let sections = render_guard_sections()
    while edits < 20_000 {
      if let edit = storm.next() {
        do throws(GraphError) {
          let before = engine.generation
          plans += try engine.commit([edit]).generation - before
          storm.graph = engine.graph
          edits += 1
        } catch {
          refusals += 1
          codes.insert(error.code)
          #expect(engine.graph == storm.graph)
        }
      }
      let block = run.advance(FrameCount(32 + edits % 97))
      for frame in 0..<block.frames {
        let sample = block.channel(0)[frame]
        largest = max(largest, abs(sample - last))
        loudest = max(loudest, abs(sample))
        last = sample
      }
      heard(reader, into: &kept)
    }
    let hits = (0..<Int32(4)).map { render_guard_apart_hits_of($0) }
    render_guard_count_apart(0)
    #expect(hits == [0, 0, 0, 0])
    #expect(render_guard_available() == 0 || render_guard_sections() - sections >= 20_000)
    #expect(codes.isSubset(of: ["cycle", "already_connected", "unknown_node", "unknown_parameter", "not_connected"]))
    #expect(codes.contains("cycle") && refusals > 500 && plans > 10_000)
    #expect(loudest > 0.1, "nothing was heard")
    #expect(largest < Self.step, "a step of \(largest) at a loudness of \(loudest)")
    #expect(ear.floodedFrames == 0)

    // What was not edited is what it is alone, bit for bit.
    let alone = GraphRig()
    try alone.edit { graph in
      let tone = try graph.add("tone", "t", parameters: ["frequency": 997, "level": -6])
      try graph.add("output", "o", from: [graph.add("gain", "g", parameters: ["gain": -3], from: [tone])])
    }
    alone.play(kept.count)
    #expect(alone.played[1] == kept)

    // Everything goes when it is no longer heard.
    try engine.commit(engine.graph.sortedNodes.map { .remove($0.id) })
    for _ in 0..<100 { _ = run.advance(64) }
    #expect(engine.processorCount == 0)
    #expect(engine.isSettled)
    #expect(CountedNode.living.load(ordering: .relaxed) == 0)
  }

  /// Control and render on threads of their own, as they are: for the thread sanitizer above all.
  @Test func editsFromAnotherThread() throws {
    let engine = Engine(catalog: Self.catalog)
    try engine.commit(base())
    let loop = RenderLoop(engine.renderer)
    loop.start()
    var storm = Storm(1, engine.graph)
    var edits = 0
    while edits < 3000 {
      if let edit = storm.next(), (try? engine.commit([edit])) != nil {
        storm.graph = engine.graph
        edits += 1
      }
      engine.service()
    }
    try engine.commit(engine.graph.sortedNodes.map { .remove($0.id) })
    let enough = loop.cycles + 200
    while loop.cycles < enough {
      engine.service()
      sched_yield()
    }
    engine.service()
    #expect(engine.processorCount == 0)
    loop.stop()
  }
}

/// A thread that renders cycle after cycle.
private final class RenderLoop: @unchecked Sendable {
  private let client: RenderClient
  private let ended = Atomic<Bool>(false)
  private let count = Atomic<Int>(0)
  private var thread = pthread_t()
  private let samples = UnsafeMutablePointer<Float>.allocate(capacity: 128)
  private let planes = UnsafeMutablePointer<UnsafeMutablePointer<Float>>.allocate(capacity: 2)

  init(_ client: RenderClient) {
    self.client = client
    samples.initialize(repeating: 0, count: 128)
    planes.initialize(to: samples)
    (planes + 1).initialize(to: samples + 64)
  }

  deinit {
    samples.deallocate()
    planes.deallocate()
  }

  var cycles: Int { count.load(ordering: .acquiring) }

  func start() {
    pthread_create(
      &thread, nil,
      { raw in
        Unmanaged<RenderLoop>.fromOpaque(raw!).takeUnretainedValue().loop()
        return nil
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  func stop() {
    ended.store(true, ordering: .releasing)
    pthread_join(thread, nil)
  }

  private func loop() {
    let block = Block(channels: planes, channelCount: 2, frames: 64)
    var position: Int64 = 0
    while !ended.load(ordering: .acquiring) {
      samples.update(repeating: 0, count: 128)
      let cycle = Cycle(
        frames: 64, time: HostTime(nanoseconds: 0), position: position, quantum: 64, layout: .stereo, flags: .none,
        input: block, output: block)
      renderDispatch(Unmanaged.passUnretained(client), cycle)
      position += 64
      count.add(1, ordering: .acquiringAndReleasing)
      sched_yield()
    }
  }
}

/// A gain that is counted while it lives.
private enum CountedNode: NodeKind {
  static let living = Atomic<Int>(0)
  static let kind = "counted"
  static let summary = "Counted."
  static let settings: [SettingSpec] = [.layout()]
  static let parameters: [ParameterSpec] = [.gain("gain", "the gain")]
  static func shape(_ settings: Settings) -> NodeShape { .effect(settings.layout()) }
  static func makeProcessor(_ context: NodeContext) -> Processor {
    CountedProcessor(context, CountedState(context.parameters.live("gain")))
  }
}

private struct CountedState: ~Copyable {
  private var gain: LiveParameter

  init(_ gain: LiveParameter) {
    self.gain = gain
    CountedNode.living.add(1, ordering: .relaxed)
  }

  deinit { CountedNode.living.subtract(1, ordering: .relaxed) }

  @_noLocks
  mutating func render(_ block: NodeBlock) {
    gain.refresh()
    let planes = block.carry()
    for frame in 0..<block.frames {
      let factor = gain.next()
      var channel = 0
      while channel < planes.count {
        planes[channel][frame] *= factor
        channel += 1
      }
    }
  }
}

private final class CountedProcessor: StateProcessor<CountedState>, @unchecked Sendable {
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: CountedState.self).pointee.render(block)
  }
}
