import AudioCore
import Glibc
import Synchronization
import Testing

@testable import Mixer

/// What a graph on a device notices of its cycles, and what it does about them.
@Suite struct LiveCycleTests {
  /// Each loss is one record of its length; what follows rises from nothing and catches nothing up.
  @Test func aLossIsCountedOnceAndFadedInto() throws {
    let rig = try LiveRig()
    rig.play(cycles: 200)
    _ = rig.engine.renderer.takeRecords()
    let losses = [20: 64, 40: 1000, 60: 48_000, 61: 64]
    var played: [[Float]] = []
    for cycle in 0..<80 {
      rig.position += Int64(losses[cycle] ?? 0)
      played.append(rig.cycle())
    }
    let missed = rig.engine.renderer.takeRecords().filter { $0.kind == .missed }
    #expect(missed.map(\.value) == [64, 1000, 48_000, 64])
    let peak = Float(pow(10, -6.0 / 20))
    for cycle in losses.keys {
      let after = played[cycle...].prefix(5).flatMap { $0 }
      // 5 ms, in which it may be as loud as its rise is far.
      for frame in 0..<240 where cycle != 60 {
        #expect(
          abs(after[frame]) <= peak * (Float(frame) + 0.5) / 240, "\(frame) frames after the loss in cycle \(cycle)")
      }
    }
    // No louder than ever, and the sound goes on where it was: nothing is played twice or faster.
    #expect(played.flatMap { $0 }.allSatisfy { abs($0) <= peak * 1.0001 })
    let calm = played[65...].flatMap { $0 }.dropFirst(240)
    #expect(zip(calm.dropFirst(), calm).map { abs($0 - $1) }.max() ?? 1 < peak * 0.14)
  }

  /// A node that takes longer than the period is told of, by its number from the second time on.
  @Test func whoTakesTheTimeIsNamed() throws {
    let rig = try LiveRig(catalog: .linked.adding([NodeDescriptor(HogNode.self)]), hog: true)
    rig.play(cycles: 70)
    _ = rig.engine.renderer.takeRecords()
    HogNode.greed.store(4_000_000, ordering: .relaxed)
    rig.play(cycles: 2)
    HogNode.greed.store(0, ordering: .relaxed)
    let overruns = rig.engine.renderer.takeRecords().filter { $0.kind == .overrun }
    #expect(overruns.count >= 2)
    #expect(overruns.prefix(2).allSatisfy { $0.value >= 2_000_000 })
    #expect(overruns.dropFirst().first?.node == 9)
    #expect(rig.engine.renderer.facts.relief == .none)
  }

  /// Three too long cycles in a row cost the meters, three more everything; an easy second gives a step back.
  @Test func reliefFollowsItsLaw() {
    var overload = Overload()
    func judge(_ load: Float, _ cycles: Int) -> [Int] {
      (0..<cycles).compactMap { cycle in overload.judge(load, frames: 480, rate: 48_000) ? cycle : nil }
    }
    #expect(judge(0.99, 1000) == [] && overload.relief == 0)
    #expect(judge(1.5, 2) == [] && judge(0.9, 1) == [] && judge(1.5, 2) == [])
    #expect(judge(1.5, 1) == [0] && overload.relief == 1)
    #expect(judge(1.5, 3) == [2] && overload.relief == 2)
    #expect(judge(1.5, 100) == [], "more than silence cannot be left out")
    #expect(judge(0.8, 1000) == [], "no room for what was left out")
    #expect(judge(0.3, 100) == [99] && overload.relief == 1)
    // Taken back too early: it waits twice as long.
    #expect(judge(1.5, 3) == [2] && overload.relief == 2)
    #expect(judge(0.3, 200) == [199] && overload.relief == 1)
    #expect(judge(0.3, 200) == [199] && overload.relief == 0)
  }
}

/// A graph in cycles of 64 frames as a device would ask for them.
private final class LiveRig {
  let engine: Engine
  var position: Int64 = 0
  private let samples: UnsafeMutablePointer<Float>
  private let planes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  private static let frames = 64

  init(catalog: NodeCatalog = .linked, hog: Bool = false) throws {
    engine = Engine(EngineSettings(isLive: true), catalog: catalog)
    samples = .allocate(capacity: 2 * Self.frames)
    samples.initialize(repeating: 0, count: 2 * Self.frames)
    planes = .allocate(capacity: 2)
    for channel in 0..<2 { (planes + channel).initialize(to: samples + channel * Self.frames) }
    var graph = engine.graph
    let tone = try graph.add("tone", name: "t", parameters: ["frequency": 997, "level": -6])
    let sink = try graph.add("output", name: "o")
    if hog {
      try graph.apply(.add(GraphNode(id: NodeID(9), name: "hog", kind: "hog")))
      try graph.connect(tone, NodeID(9))
      try graph.connect(NodeID(9), sink)
    } else {
      try graph.connect(tone, sink)
    }
    try engine.commit(graph)
    engine.renderer.setOpen(true)
  }

  deinit {
    samples.deallocate()
    planes.deallocate()
  }

  func play(cycles: Int) { for _ in 0..<cycles { _ = cycle() } }

  func cycle() -> [Float] {
    samples.update(repeating: 0, count: 2 * Self.frames)
    engine.renderer.render(
      Cycle(
        frames: Self.frames, time: renderNow(), position: position, quantum: Self.frames, layout: .stereo, flags: .none,
        input: Block(channels: planes, channelCount: 0, frames: Self.frames),
        output: Block(channels: planes, channelCount: 2, frames: Self.frames)))
    position += Int64(Self.frames)
    engine.service()
    return Array(UnsafeBufferPointer(start: samples, count: Self.frames))
  }
}

/// Passes sound on and takes as long as it is told to.
private enum HogNode: NodeKind {
  static let kind = "hog"
  static let summary = "Takes time."
  static let settings: [SettingSpec] = [.layout()]
  static let greed = Atomic<Int>(0)

  static func shape(_ settings: Mixer.Settings) -> NodeShape { .effect(settings.layout()) }
  static func makeProcessor(_ context: NodeContext) -> Processor { HogProcessor(context, 0) }
}

private final class HogProcessor: StateProcessor<Int>, @unchecked Sendable {
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    _ = block.carry()
    let until = renderNow().nanoseconds + Int64(HogNode.greed.load(ordering: .relaxed))
    while renderNow().nanoseconds < until {}
  }
}
