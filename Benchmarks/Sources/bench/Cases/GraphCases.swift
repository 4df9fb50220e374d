import AudioCore
import CMix
import Mixer

/// Whole graphs beside the same sums as plain loops in C.
func graphCases() throws(BenchError) -> [Case] {
  var cases: [Case] = []
  for frames in [64, 128, 1024] {
    let gains = try GraphFixture(frames: frames, gains: 1000)
    cases.append(
      Case(
        name: "graph/1000-gains-\(frames)", unit: "node", unitsPerBatch: 1000, ours: { gains.cycle() },
        floor: { gains.bareGains() }))
  }
  for frames in [128, 1024] {
    let mix = try GraphFixture(frames: frames, inputs: 8)
    cases.append(
      Case(
        name: "graph/mix-8-\(frames)", unit: "cycle", unitsPerBatch: 16, ours: { for _ in 0..<16 { mix.cycle() } },
        floor: { for _ in 0..<16 { mix.bareMix() } }))
  }
  return cases
}

private final class GraphFixture {
  private let engine: Engine
  private let frames: Int
  private let count: Int
  private let samples: UnsafeMutablePointer<Float>
  private let planes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  private let gains: UnsafeMutablePointer<Float>
  private var position: Int64 = 0

  /// A chain of gains, or one mixer.
  init(frames: Int, gains: Int = 0, inputs: Int = 0) throws(BenchError) {
    self.frames = frames
    count = max(gains, inputs)
    engine = Engine(EngineSettings(block: FrameCount(frames), isLive: true))
    samples = .allocate(capacity: 6 * frames)
    for frame in 0..<6 * frames { (samples + frame).initialize(to: Float(frame % 97) / 97 - 0.5) }
    planes = .allocate(capacity: 6)
    for plane in 0..<6 { (planes + plane).initialize(to: samples + plane * frames) }
    self.gains = .allocate(capacity: count)
    for index in 0..<count { (self.gains + index).initialize(to: index % 2 == 0 ? 0.5 : 2) }
    do { try engine.commit(gains > 0 ? chain(gains) : mixer(inputs)) } catch {
      throw BenchError("the graph: \(error.message)")
    }
    // Until all has faded in.
    for _ in 0..<4096 {
      cycle()
      engine.service()
    }
  }

  deinit {
    samples.deallocate()
    planes.deallocate()
    gains.deallocate()
  }

  private func chain(_ length: Int) -> [GraphEdit] {
    var edits: [GraphEdit] = [.add(GraphNode(id: NodeID(1), name: "in", kind: "input"))]
    for index in 0..<length {
      edits.append(
        .add(
          GraphNode(
            id: NodeID(index + 2), name: "g\(index)", kind: "gain",
            parameters: ["gain": index % 2 == 0 ? -6.0205999 : 6.0205999])))
      edits.append(.connect(Connection(from: PortID(NodeID(index + 1)), to: PortID(NodeID(index + 2)))))
    }
    edits.append(.add(GraphNode(id: NodeID(length + 2), name: "out", kind: "output")))
    edits.append(.connect(Connection(from: PortID(NodeID(length + 1)), to: PortID(NodeID(length + 2)))))
    return edits
  }

  private func mixer(_ inputs: Int) -> [GraphEdit] {
    var levels: [String: Double] = [:]
    for input in 1...inputs { levels["level.\(input)"] = input % 2 == 0 ? -6.0205999 : -12 }
    var edits: [GraphEdit] = [
      .add(GraphNode(id: NodeID(1), name: "in", kind: "input")),
      .add(
        GraphNode(
          id: NodeID(2), name: "mix", kind: "mixer", settings: ["inputs": .integer(inputs)], parameters: levels)),
      .add(GraphNode(id: NodeID(3), name: "out", kind: "output")),
      .connect(Connection(from: PortID(NodeID(2)), to: PortID(NodeID(3)))),
    ]
    for input in 0..<inputs {
      edits.append(.connect(Connection(from: PortID(NodeID(1)), to: PortID(NodeID(2), input))))
    }
    return edits
  }

  func cycle() {
    let time = HostTime(nanoseconds: position * 1_000_000_000 / 48_000)
    for plane in 2..<4 { planes[plane].update(repeating: 0, count: frames) }
    engine.renderer.render(
      Cycle(
        frames: frames, time: time, position: position, quantum: frames, layout: .stereo, flags: .none,
        input: Block(channels: planes, channelCount: 2, frames: frames),
        output: Block(channels: planes + 2, channelCount: 2, frames: frames)))
    position += Int64(frames)
  }

  func bareGains() {
    for plane in 2..<4 { planes[plane].update(repeating: 0, count: frames) }
    raw { cmix_gains($0, gains, Int32(count), Int32(frames)) }
  }

  func bareMix() {
    for plane in 2..<4 { planes[plane].update(repeating: 0, count: frames) }
    planes.withMemoryRebound(to: UnsafePointer<Float>?.self, capacity: 6) { inputs in
      planes.withMemoryRebound(to: UnsafeMutablePointer<Float>?.self, capacity: 6) { outputs in
        cmix_stereo(inputs, outputs + 4, gains, Int32(count), outputs + 2, Int32(frames))
      }
    }
  }

  private func raw(_ body: (UnsafeMutablePointer<UnsafeMutablePointer<Float>?>) -> Void) {
    (planes + 4).withMemoryRebound(to: UnsafeMutablePointer<Float>?.self, capacity: 2, body)
  }
}
