import AudioCore
import Glibc
import Mixer
import Testing

/// Graphs against a calculation that has no plan, no blocks and no buffers to share.
@Suite struct GraphReferenceTests {
  private static let catalog = NodeCatalog.linked.adding([NodeDescriptor(LateNode.self)])
  private static let frames = 3000

  /// A random graph of stereo nodes, every one connected to some before it; the last one sums them all.
  private func randomGraph(nodes: Int, seed: UInt64) throws -> Graph {
    var random = SeededGenerator(seed)
    var graph = Graph()
    var ids = [try graph.add("input", "n0")]
    for number in 1..<nodes {
      let kind = ["gain", "mixer", "pan", "delay", "channel_map", "late", "meter", "tap"].randomElement(using: &random)!
      var settings: [String: SettingValue] = [:]
      var parameters: [String: Double] = [:]
      var ports = 1
      switch kind {
      case "gain":
        parameters["gain"] = Double.random(in: -20...(-6), using: &random)
        parameters["mute"] = Int.random(in: 0..<8, using: &random) == 0 ? 1 : 0
      case "mixer":
        ports = Int.random(in: 1...6, using: &random)
        settings["inputs"] = .integer(ports)
        for port in 1...ports { parameters["level.\(port)"] = Double.random(in: -30...(-12), using: &random) }
        parameters["mute.1"] = 1
      case "pan":
        settings["channels"] = .text("stereo")
        parameters["pan"] = Double.random(in: -1...1, using: &random)
      case "delay": parameters["time"] = Double(Int.random(in: 0...20, using: &random))
      case "channel_map":
        settings["from"] = .text("stereo")
        settings["matrix"] = .numbers((0..<4).map { _ in Double.random(in: -0.5...0.5, using: &random) })
      case "late": settings["frames"] = .integer(Int.random(in: 1...50, using: &random))
      default: break
      }
      let id = try graph.add(kind, "n\(number)", settings: settings, parameters: parameters)
      for port in 0..<ports {
        var sources: Set<NodeID> = []
        // What passes sound on as loud as it came has one source, so that the whole stays below full scale.
        let most = kind == "gain" || kind == "mixer" ? 3 : 1
        for _ in 0..<Int.random(in: 1...most, using: &random) { sources.insert(ids.randomElement(using: &random)!) }
        for source in sources.sorted() { try graph.connect(source, id, input: port) }
      }
      ids.append(id)
    }
    let sum = try graph.add("gain", "sum", parameters: ["gain": -30])
    for id in ids { try graph.connect(id, sum) }
    try graph.connect(sum, graph.add("output", "out"))
    return graph
  }

  private final class Reference {
    let graph: Graph
    var known: [NodeID: (samples: [[Double]], latency: Int)] = [:]

    init(_ graph: Graph) { self.graph = graph }

    func shifted(_ samples: [[Double]], by frames: Int) -> [[Double]] {
      samples.map { Array(repeating: 0, count: frames) + $0.dropLast(frames) }
    }

    /// What a node gives, and how late it is.
    func output(of id: NodeID) -> (samples: [[Double]], latency: Int) {
      if let known = known[id] { return known }
      let node = graph.nodes[id]!
      let sources = graph.sortedConnections.filter { $0.to.node == id }
      let latest = sources.map { output(of: $0.from.node).latency }.max() ?? 0
      func input(_ port: Int) -> [[Double]] {
        var sum = Array(repeating: [Double](repeating: 0, count: GraphReferenceTests.frames), count: 2)
        for source in sources where source.to.port == port {
          let (samples, latency) = output(of: source.from.node)
          for (channel, plane) in shifted(samples, by: latest - latency).enumerated() {
            for frame in plane.indices { sum[channel][frame] += plane[frame] }
          }
        }
        return sum
      }
      func number(_ name: String, _ initial: Double = 0) -> Double { node.parameters[name] ?? initial }
      func factor(_ name: String) -> Double { pow(10, number(name) / 20) }
      var latency = latest
      var samples: [[Double]]
      switch node.kind {
      case "input":
        samples = (0..<2).map { channel in
          (0..<GraphReferenceTests.frames).map { Double(MixRig.noise(channel, Int64($0))) }
        }
      case "gain": samples = input(0).map { $0.map { $0 * (number("mute") == 1 ? 0 : factor("gain")) } }
      case "mixer":
        samples = Array(repeating: [Double](repeating: 0, count: GraphReferenceTests.frames), count: 2)
        guard case .integer(let ports) = node.settings["inputs"] else { fatalError() }
        for port in 0..<ports where number("mute.\(port + 1)") == 0 {
          for (channel, plane) in input(port).enumerated() {
            for frame in plane.indices { samples[channel][frame] += plane[frame] * factor("level.\(port + 1)") }
          }
        }
      case "pan":
        let pan = number("pan")
        let gains = [pan <= 0 ? 1 : cos(pan * .pi / 2), pan >= 0 ? 1 : cos(-pan * .pi / 2)]
        samples = zip(input(0), gains).map { plane, gain in plane.map { $0 * gain } }
      case "delay": samples = shifted(input(0), by: Int(number("time")) * 48)
      case "channel_map":
        guard case .numbers(let matrix) = node.settings["matrix"] else { fatalError() }
        let from = input(0)
        samples = (0..<2).map { out in
          from[0].indices.map { from[0][$0] * matrix[2 * out] + from[1][$0] * matrix[2 * out + 1] }
        }
      case "late":
        guard case .integer(let frames) = node.settings["frames"] else { fatalError() }
        samples = shifted(input(0), by: frames)
        latency += frames
      default: samples = input(0)
      }
      known[id] = (samples, latency)
      return (samples, latency)
    }
  }

  @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64]) func hundredRandomNodesEqualTheReference(seed: UInt64) throws {
    let graph = try randomGraph(nodes: 100, seed: seed)
    let rig = GraphRig(catalog: Self.catalog, signal: MixRig.noise)
    let report = try rig.engine.commit(graph)
    rig.play(Self.frames, quantum: 192)
    let reference = Reference(graph)
    let expected = reference.output(of: try #require(graph.node(named: "sum")).id)
    #expect(report.latency.value == expected.latency)
    var worst = 0.0
    let peak = expected.samples.joined().map { abs($0) }.max() ?? 0
    #expect(peak > 0.1 && peak < 1.5)
    for channel in 0..<2 {
      for (sample, wanted) in zip(rig.played[channel], expected.samples[channel]) {
        worst = max(worst, abs(Double(sample) - wanted))
      }
    }
    #expect(worst < 1e-6, "\(worst)")
  }

  @Test func sameInputTwiceGivesIdenticalBytes() throws {
    func played() throws -> [[UInt32]] {
      let rig = GraphRig(catalog: Self.catalog, signal: MixRig.noise)
      try rig.engine.commit(randomGraph(nodes: 60, seed: 99))
      rig.play(2000)
      try rig.engine.commit(randomGraph(nodes: 60, seed: 100))
      rig.play(4000)
      return rig.played.map { $0.map(\.bitPattern) }
    }
    let first = try played()
    #expect(first[0].contains { $0 != 0 })
    #expect(try played() == first)
  }
}
