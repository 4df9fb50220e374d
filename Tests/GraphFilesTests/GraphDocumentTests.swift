import AudioCore
import Control
import Glibc
import GraphFiles
import Mixer
import TestSupport
import Testing

/// Graphs as JSON.
@Suite struct GraphDocumentTests {
  private func document(_ text: String) throws -> GraphDocument { try GraphDocument(JSON.parse(text)) }

  private static let good = """
    {"rate": 44100, "comment": "two tones", "nodes": [
      {"name": "a", "kind": "tone", "args": {"frequency": 440, "level": -12.5, "seed": 3}},
      {"name": "b", "kind": "tone", "args": {"wave": "pink"}},
      {"name": "m", "kind": "mixer", "args": {"inputs": 3, "level.2": -6, "mute.3": true}},
      {"name": "fold", "kind": "channel_map", "args": {"from": "stereo", "to": "mono", "matrix": [0.5, 0.5]}},
      {"kind": "output", "args": {"channels": 1}}],
     "connections": [{"from": "a", "to": "m"}, {"from": "b:out", "to": "m:in2"}, {"from": "a", "to": "m:3"},
      {"from": "m", "to": "fold"}, {"from": "fold", "to": "output5"}]}
    """

  @Test func everythingIsRead() throws {
    let document = try document(Self.good)
    #expect(document.rate == SampleRate(hertz: 44_100))
    let graph = document.graph
    #expect(graph.sortedNodes.map(\.name) == ["a", "b", "m", "fold", "output5"])
    #expect(graph.node(named: "a")?.parameters == ["frequency": 440, "level": -12.5])
    #expect(graph.node(named: "a")?.settings == ["seed": .integer(3)])
    #expect(graph.node(named: "m")?.parameters == ["level.2": -6, "mute.3": 1])
    #expect(graph.sortedConnections.filter { $0.to.node == NodeID(3) }.map(\.to.port) == [0, 1, 2])
    try Engine().commit(graph)
  }

  @Test func whatIsWrittenIsReadAgain() throws {
    let first = try document(Self.good)
    let text = first.json().text
    let second = try document(text)
    #expect(second.graph == first.graph && second.rate == first.rate)
    #expect(second.json().text == text)
    #expect(text.contains("\"to\":\"m:in2\""))
  }

  @Test func complaintsSayWhereAndWhat() throws {
    let cases: [(String, String, String)] = [
      ("[]", "bad_graph", "an object"), ("{\"nodez\": []}", "unknown_member", "did you mean nodes?"),
      ("{\"rate\": 10}", "bad_graph", "rate"), ("{\"nodes\": {}}", "bad_graph", "nodes: a list"),
      ("{\"nodes\": [{\"name\": \"x\"}]}", "bad_graph", "nodes[0].kind"),
      ("{\"nodes\": [{\"kind\": \"gian\"}]}", "unknown_kind", "did you mean gain?"),
      ("{\"nodes\": [{\"kind\": \"gain\", \"args\": {\"gain\": \"loud\"}}]}", "bad_graph", "nodes[0].args.gain"),
      ("{\"nodes\": [{\"kind\": \"gain\", \"args\": {\"gian\": 1}}]}", "unknown_parameter", "nodes[0]"),
      ("{\"nodes\": [{\"kind\": \"gain\", \"args\": {\"gain\": 99}}]}", "out_of_range", "-120.0 to 24.0 dB"),
      ("{\"nodes\": [{\"kind\": \"gain\", \"args\": {\"channels\": null}}]}", "bad_graph", "channels"),
      (
        "{\"nodes\": [{\"kind\": \"gain\", \"name\": \"a\"}, {\"kind\": \"gain\", \"name\": \"a\"}]}", "name_taken",
        "nodes[1]"
      ),
      (
        "{\"nodes\": [{\"kind\": \"gain\", \"name\": \"abc\"}], \"connections\": [{\"from\": \"abd\", \"to\": \"abc\"}]}",
        "unknown_node", "did you mean abc?"
      ),
      (
        "{\"nodes\": [{\"kind\": \"gain\", \"name\": \"a\"}], \"connections\": [{\"from\": \"a:left\", \"to\": \"a\"}]}",
        "unknown_port", "it has out"
      ),
      (
        "{\"nodes\": [{\"kind\": \"gain\", \"name\": \"a\"}], \"connections\": [{\"from\": \"a\"}]}", "bad_graph",
        "connections[0].to"
      ),
    ]
    for (text, code, part) in cases {
      do {
        _ = try document(text)
        Issue.record("accepted: \(text)")
      } catch let error as GraphDocumentError {
        #expect(error.code == code && error.message.contains(part), "\(error)")
      }
    }
  }

  @Test func examplesAreAccepted() throws {
    let listing = try Child.run(["ls", SourceTree.root + "/examples/graphs"])
    let names = listing.standardOutput.split(separator: "\n").filter { $0.hasSuffix(".json") }
    #expect(names.count >= 3)
    for name in names {
      let text = try Child.run(["cat", SourceTree.root + "/examples/graphs/" + name]).standardOutput
      let document = try document(text)
      let report = try Engine.check(document.graph, rate: document.rate)
      #expect(report.nodes > 1, "\(name)")
    }
  }

  /// The page lists every kind of node with its settings, parameters and readings.
  @Test func pageNamesEverything() throws {
    let page = try Child.run(["cat", SourceTree.root + "/docs/GRAPH.md"]).standardOutput
    for kind in NodeCatalog.linked.kinds {
      #expect(page.contains("`\(kind.kind)`"), "\(kind.kind)")
      for name in kind.settings.map(\.name) + kind.readings.map(\.name) + kind.parameters.map(\.name) {
        #expect(page.contains(name), "\(kind.kind) \(name)")
      }
    }
  }

  @Test func catalogIsDescribed() throws {
    let json = CatalogText.json(.linked)
    let gain = json.arrayValue?.first { $0["kind"]?.stringValue == "gain" }
    let parameter = gain?["parameters"]?[0]
    #expect(parameter?["unit"]?.stringValue == "dB")
    #expect(parameter?["range"]?[0]?.doubleValue == -120 && parameter?["range"]?[1]?.doubleValue == 24)
    #expect(parameter?["smoothing_ms"]?.doubleValue == 10)
    #expect(gain?["inputs"]?.arrayValue?.count == 1)
    #expect(CatalogText.lines(.linked).contains { $0.hasPrefix("mixer: ") })
  }
}
