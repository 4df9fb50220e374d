import AudioCore
import Glibc
import Synchronization
import Testing

@testable import Mixer

/// The nodes at which a graph meets the daemon around it.
@Suite struct HostEndTests {
  private func engine(_ ends: Ends, rate: SampleRate = .codec) -> Engine {
    Engine(EngineSettings(rate: rate, block: 256, host: ends))
  }

  private func sink(_ id: Int, _ bus: String, _ layout: String = "stereo", named name: String = "sink") -> GraphNode {
    GraphNode(
      id: NodeID(id), name: name, kind: "stream_sink", settings: ["bus": .text(bus), "channels": .text(layout)])
  }

  private func link(_ from: Int, _ to: Int) -> Connection {
    Connection(from: PortID(NodeID(from)), to: PortID(NodeID(to)))
  }

  private func input(_ id: Int, _ layout: String = "stereo") -> GraphNode {
    GraphNode(id: NodeID(id), name: "in\(id)", kind: "input", settings: ["channels": .text(layout)])
  }

  /// Whatever the cycle's length, a bus carries exactly what its node was fed, once the node has faded in.
  @Test(arguments: [64, 256, 1000]) func aBusCarriesWhatComes(cycle: Int) throws {
    let ends = Ends()
    let engine = engine(ends)
    _ = try engine.commit([.add(input(1)), .add(sink(2, "main")), .connect(link(1, 2))])
    let bus = try ends.bus("main")
    #expect(bus.layout == .stereo)
    let output = BusOutput(layout: .stereo, capacity: 48_000)
    let reader = output.makeReader()
    bus.renderer.publish(RenderPlan(input: .stereo, buses: [output]))
    let run = OfflineRun(engine, signal: ramp)
    var heard: [Float] = []
    for _ in 0..<(24_000 / cycle) {
      _ = run.advance(FrameCount(cycle))
      let frames = reader.available.value
      for frame in 0..<frames { heard.append(reader.sample(channel: 1, frame)) }
      reader.release(FrameCount(frames))
    }
    #expect(heard.count == 24_000 / cycle * cycle && bus.blocks > 0)
    let settled = 4800
    #expect((settled..<heard.count).allSatisfy { heard[$0] == ramp(1, Int64($0)) })
    #expect(bus.renderer.takeRecords().allSatisfy { $0.kind == .quantumChanged })
  }

  /// A node is replaced while it plays, in the same layout and in another: no block is lost, and none is heard twice.
  @Test(arguments: ["stereo", "5.1"]) func anotherNodeTakesItsPlace(layout: String) throws {
    let ends = Ends()
    let engine = engine(ends)
    _ = try engine.commit([.add(input(1)), .add(sink(2, "main")), .connect(link(1, 2))])
    let bus = try ends.bus("main")
    let told = Mutex<[ChannelLayout?]>([])
    let outputs = [BusOutput(layout: .stereo, capacity: 96_000)]
    let reader = outputs[0].makeReader()
    bus.observe { [weak bus] layout in
      told.withLock { $0.append(layout) }
      if let layout { bus?.renderer.publish(RenderPlan(input: layout, buses: outputs)) }
    }
    defer { bus.observe(nil) }
    let run = OfflineRun(engine) { _, _ in 0.25 }
    for _ in 0..<50 { _ = run.advance(256) }
    _ = try engine.commit([
      .remove(NodeID(2)), .remove(NodeID(1)), .add(input(3, layout)), .add(sink(4, "main", layout, named: "new")),
      .connect(link(3, 4)),
    ])
    for _ in 0..<50 { _ = run.advance(256) }
    #expect(told.withLock { $0.last } == ChannelLayout(title: layout))
    let frames = reader.available.value
    #expect(frames == 100 * 256)
    let heard = (0..<frames).map { reader.sample(channel: 0, $0) }
    reader.release(FrameCount(frames))
    #expect(heard.allSatisfy { $0.isFinite && abs($0) < 0.6 })
    #expect(abs(heard[45 * 256] - 0.25) < 1e-6 && heard.last.map { $0 > 0.2 } ?? false, "\(heard.last ?? 0)")
    if layout == "stereo" {
      // One fades out while the other fades in: together they are what both are.
      let steps = zip(heard.dropFirst(45 * 256), heard.dropFirst(45 * 256 + 1)).map { abs($0 - $1) }
      #expect(steps.max() ?? 1 < 1e-3)
    }
    _ = try engine.commit([.remove(NodeID(4))])
    for _ in 0..<20 { _ = run.advance(256) }
    #expect(bus.layout == nil && told.withLock { $0.last } == .some(nil))
  }

  @Test func refusalsSayWhy() throws {
    let ends = Ends()
    let engine = engine(ends)
    _ = try engine.commit([.add(sink(1, "main"))])
    #expect(code { _ = try engine.commit([.add(sink(2, "main", named: "again"))]) } == "bus_in_use")
    #expect(code { _ = try engine.commit([.add(sink(2, "", named: "empty"))]) } == "bad_name")
    #expect(
      code { _ = try engine.commit([.add(sink(2, String(repeating: "b", count: 65), named: "long"))]) } == "bad_name")
    _ = try engine.commit([.add(sink(2, "other", named: "beside"))])
    #expect(
      code { _ = try self.engine(ends, rate: SampleRate(hertz: 44_100)).commit([.add(sink(1, "third"))]) } == "rate")
    #expect(code { _ = try Engine(EngineSettings()).commit([.add(sink(1, "main"))]) } == "unavailable")
    let surround: [String: SettingValue] = ["channels": .text("5.1")]
    for kind in ["client_mic", "virtual_mic"] {
      let node = GraphNode(id: NodeID(9), name: "n", kind: kind, settings: surround)
      #expect(code { _ = try engine.commit([.add(node)]) } == "bad_layout")
    }
  }

  /// What another thread brings is asked for in blocks that follow each other, and comes out as numbers.
  @Test(arguments: ["desktop_capture", "client_mic"]) func aSourceIsAskedForEveryFrame(kind: String) throws {
    let ends = Ends()
    let engine = engine(ends)
    let settings: [String: SettingValue] = ["channels": .text("stereo")]
    _ = try engine.commit([
      .add(GraphNode(id: NodeID(1), name: "s", kind: kind, settings: settings)),
      .add(GraphNode(id: NodeID(2), name: "o", kind: "output")), .connect(link(1, 2)),
    ])
    let run = OfflineRun(engine)
    var heard: [Float] = []
    for frames in [700, 64, 1, 512, 3000, 256] {
      let block = run.advance(FrameCount(frames))
      heard += (0..<frames).map { block.channel(0)[$0] }
    }
    let settled = 1500
    #expect((settled..<heard.count).allSatisfy { heard[$0] == ($0 % 100 == 99 ? 0 : Float($0 % 100) / 100) })
    #expect(ends.lastTrouble == "nobody plays" && engine.takeTroubles().map(\.message) == ["nobody plays"])
    #expect(engine.takeTroubles().isEmpty)
    _ = try engine.commit([.remove(NodeID(1))])
    for _ in 0..<20 { _ = run.advance(256) }
    #expect(ends.openSources == 0, "it is let go of")
  }

  private func code(_ work: () throws -> Void) -> String? {
    do { try work() } catch let error as GraphError { return error.code } catch {}
    return nil
  }
}

@Sendable private func ramp(_ channel: Int, _ position: Int64) -> Float {
  Float(position % 1000) / 2000 + Float(channel) / 8
}

/// A daemon of a test.
private final class Ends: HostEnds, @unchecked Sendable {
  private var buses: [String: StreamBus] = [:]
  private var sources: [Weak] = []

  private struct Weak {
    weak var source: HostSource?
  }

  var openSources: Int { sources.count { $0.source != nil } }
  var lastTrouble: String? { sources.last?.source?.trouble }

  func bus(_ name: String) throws(NodeRefusal) -> StreamBus {
    let bus = buses[name] ?? StreamBus(name)
    buses[name] = bus
    return bus
  }

  func desktop(_ wish: DesktopWish) throws(NodeRefusal) -> HostSource { source() }
  func voices(_ wish: VoicesWish) throws(NodeRefusal) -> HostSource { source() }

  private func source() -> HostSource {
    let source = Saw()
    sources.append(Weak(source: source))
    return source
  }
}

private final class Saw: HostSource, @unchecked Sendable {
  init() { super.init(SawClient()) }
  override var trouble: String? { "nobody plays" }
}

/// A hundredth more with every frame, and every hundredth no number.
private final class SawClient: RenderClient, @unchecked Sendable {
  override func render(_ cycle: Cycle) {
    for channel in 0..<cycle.output.channelCount {
      for frame in 0..<cycle.frames {
        let place = (Int(cycle.position) + frame) % 100
        cycle.output.channel(channel)[frame] = place == 99 ? .nan : Float(place) / 100
      }
    }
  }
}
