import AudioCore
import CRenderGuard
import Glibc
import Mixer
import TestSupport
import Testing

/// What every kind of node must do; a new one is tested by being there.
@Suite struct NodeCatalogTests {
  static let kinds = NodeCatalog.linked.kinds.filter { !needsMore.contains($0.kind) }.map(\.kind)
  /// These need a file, a ring, a device or a daemon, and have tests of their own.
  static let needsMore: Set<String> = [
    "file_source", "file_sink", "app_source", "app_sink", "device_source", "desktop_capture", "client_mic",
    "stream_sink", "virtual_mic", "convolver",
  ]

  /// A node by itself: each input fed by the driver, the first output heard.
  private func rig(
    _ kind: String, parameters: [String: Double] = [:], signal: @escaping OfflineRun.Signal
  ) throws -> (rig: GraphRig, node: NodeID) {
    let rig = GraphRig(signal: signal)
    let shape = try NodeShapes.shape(of: kind)
    var node = NodeID(0)
    try rig.edit { graph in
      node = try graph.add(kind, "node", parameters: parameters)
      for (port, input) in shape.inputs.enumerated() {
        let layout = input.layout.title
        let source = try graph.add("input", "in\(port)", settings: ["channels": .text(layout)])
        try graph.connect(source, node, input: port)
      }
      for (port, output) in shape.outputs.enumerated() {
        let layout = output.layout.title
        let sink = try graph.add("output", "out\(port)", settings: ["channels": .text(layout)])
        try graph.connect(node, sink, output: port)
      }
    }
    return (rig, node)
  }

  /// Every file of a node leaves its record: `ChannelMapNode.swift` is `channel_map`.
  @Test func everyFileIsInTheCatalog() throws {
    let listing = try Child.run(["ls", SourceTree.root + "/Sources/Mixer/Nodes"])
    let kinds = listing.standardOutput.split(separator: "\n").map { file in
      String(
        file.replacing("Node.swift", with: "").flatMap { letter in
          letter.isUppercase ? "_" + letter.lowercased() : String(letter)
        }.dropFirst())
    }
    #expect(kinds.count >= 12)
    #expect(kinds.sorted() == NodeCatalog.linked.kinds.map(\.kind))
  }

  @Test(arguments: NodeCatalog.linked.kinds.map(\.kind)) func catalogSaysEnough(kind: String) throws {
    let descriptor = try #require(NodeCatalog.linked[kind])
    #expect(kind.allSatisfy { $0.isLowercase || $0 == "_" })
    #expect(descriptor.summary.hasSuffix("."))
    for spec in descriptor.parameters {
      #expect(!spec.summary.isEmpty && spec.range.contains(spec.initial), "\(kind) \(spec.name)")
    }
    for spec in descriptor.settings { #expect(!spec.summary.isEmpty, "\(kind) \(spec.name)") }
  }

  @Test(arguments: kinds) func silenceGivesSilence(kind: String) throws {
    guard kind != "tone" else { return }
    let (rig, _) = try rig(kind) { _, _ in 0 }
    rig.play(9600)
    #expect(rig.played.allSatisfy { $0.allSatisfy { $0 == 0 } })
  }

  @Test(arguments: kinds) func nonsenseInIsFiniteOut(kind: String) throws {
    let descriptor = try #require(NodeCatalog.linked[kind])
    let shape = try NodeShapes.shape(of: kind)
    guard !shape.outputs.isEmpty else { return }
    let probe = try ProcessorProbe(kind)
    for value in [Float.nan, .infinity, -.infinity, .signalingNaN, .greatestFiniteMagnitude] {
      for _ in 0..<4 {
        let out = probe.render(64) { _, frame in frame % 3 == 0 ? value : 0.5 }
        #expect(out.allSatisfy { $0.allSatisfy { $0.isFinite } }, "\(descriptor.kind) of \(value)")
      }
    }
    // Nothing of it stays behind.
    var last: [[Float]] = []
    for _ in 0..<100 { last = probe.render(512) { _, _ in 0.25 } }
    #expect(last.allSatisfy { $0.allSatisfy { $0.isFinite && abs($0) < 4 } })
  }

  @Test(arguments: kinds) func parametersMayBeAnythingInTheirRange(kind: String) throws {
    let (rig, node) = try rig(kind) { _, position in Float(sin(Double(position) / 20)) * 0.5 }
    rig.play(512)
    let shape = try NodeShapes.shape(of: kind)
    let specs = ParameterSpec.expanded(try #require(NodeCatalog.linked[kind]).parameters, of: shape)
    render_guard_count_apart(1)
    for spec in specs {
      let middle = spec.kind == .toggle ? 1 : (spec.range.lowerBound + spec.range.upperBound) / 2
      for value in [spec.range.lowerBound, spec.range.upperBound, middle, spec.initial] {
        try rig.engine.commit([.set(node, spec.name, value)])
        rig.play(700, quantum: 100)
      }
      for value in [spec.range.lowerBound - 1, spec.range.upperBound + 1, .nan, .infinity] {
        #expect(throws: GraphError.self) { try rig.engine.commit([.set(node, spec.name, value)]) }
      }
    }
    let hits = (0..<Int32(4)).map { render_guard_apart_hits_of($0) }
    render_guard_count_apart(0)
    #expect(hits == [0, 0, 0, 0])
    #expect(rig.played.allSatisfy { $0.allSatisfy { $0.isFinite && abs($0) < 40 } })
  }

  @Test(arguments: kinds) func sameInputGivesTheSameBits(kind: String) throws {
    func played(_ quantum: Int) throws -> [[UInt32]] {
      let (rig, _) = try rig(kind) { MixRig.noise($0, $1) * 0.3 }
      rig.play(6000, quantum: quantum)
      return rig.played.map { $0.map(\.bitPattern) }
    }
    let first = try played(256)
    #expect(try played(256) == first)
    #expect(try played(37) == first)
  }
}
