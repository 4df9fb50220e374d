import AudioCore
import AudioIO
import Synchronization
import Testing

@testable import PipeWireIO

final class ChangeCounter: Sendable {
  private let value = Atomic<Int>(0)
  func add() { value.add(1, ordering: .relaxed) }
  var count: Int { value.load(ordering: .relaxed) }
}

/// What is said of applications' streams, from graphs made by hand.
@Suite struct AppStreamListingTests {
  private func graph() -> GraphBuilder {
    var builder = GraphBuilder()
    builder.sink(30, "speakers")
    builder.sink(31, "ours")
    builder.graph.addClient(9)
    builder.node(70, "player", "Stream/Output/Audio", client: 9, application: "registry")
    let ports = ["FL", "FR"].enumerated().map {
      builder.port(70, $0.element, output: true, monitor: false, index: $0.offset)
    }
    let inputs = builder.graph.ports(of: 30).filter { !$0.isOutput }
    for (port, input) in zip(ports, inputs) { builder.link(port, input.id) }
    builder.node(80, "recorder", "Stream/Input/Audio")
    let recorder = builder.port(80, "FL", output: false, monitor: false, index: 0)
    builder.link(ports[0], recorder)
    builder.graph.ownSinks = [31]
    return builder
  }

  private func listing(
    _ builder: GraphBuilder, node: [String: String]? = [:], client: [String: String]? = [:], process: Int32 = 4
  ) -> AppStreamListing {
    func facts(_ labels: [String: String]?) -> ObjectFacts {
      var facts = ObjectFacts()
      facts.isKnown = labels != nil
      facts.labels = labels ?? [:]
      return facts
    }
    return AppStreamListing(
      graph: builder.graph, nodes: [70: facts(node)], clients: [9: facts(client)], process: process)
  }

  @Test func theStreamsOwnWordCountsAndTheClientsFillsIn() throws {
    let stream = try #require(
      listing(
        graph(), node: ["application.name": "Game", "pipewire.access.portal.app_id": "forged"],
        client: [
          "application.name": "client", "application.process.binary": "game.bin", "pipewire.sec.pid": "17",
          "pipewire.access.portal.app_id": "org.example.Game",
        ]
      ).streams.first)
    #expect(stream[.applicationName] == "Game" && stream[.binary] == "game.bin" && stream[.nodeName] == "player")
    #expect(stream[.portalID] == "org.example.Game", "only the server knows that")
    #expect(stream.sinks == ["speakers"] && stream.channels == ["FL", "FR"])
    #expect(stream.isComplete && stream.isRoutable && stream.displayName == "Game")
  }

  @Test func nothingIsDecidedBeforeAllIsKnown() throws {
    for (node, client) in [(nil, [:]), ([:], nil)] as [([String: String]?, [String: String]?)] {
      let stream = try #require(listing(graph(), node: node, client: client).streams.first)
      #expect(!stream.isComplete && !stream.isRoutable)
    }
    var gone = graph()
    gone.graph.remove(9)
    #expect(listing(gone, client: nil).streams.first?.isComplete == true, "a client that has gone says nothing more")
  }

  @Test(arguments: ["node.dont-move", "node.dont-reconnect"]) func whatWantsToStayStays(label: String) throws {
    #expect(listing(graph(), node: [label: "true"]).streams.first?.isRoutable == false)
    #expect(listing(graph(), node: [label: "false"]).streams.first?.isRoutable == true)
  }

  @Test func ourOwnAreKnownByTheServersWord() throws {
    let client = ["pipewire.sec.pid": "4", "application.process.id": "5"]
    #expect(listing(graph(), client: client, process: 4).streams.first?.isOurs == true)
    #expect(listing(graph(), client: client, process: 5).streams.first?.isOurs == false)
    #expect(listing(graph(), node: ["node.autoconnect": "false"]).streams.first?.isRoutable == false)
  }

  @Test func sinksAndLinks() {
    var builder = graph()
    builder.graph.defaultSink = "speakers"
    let listing = listing(builder)
    #expect(listing.sinks.map(\.name) == ["speakers", "ours"])
    #expect(listing.sinks.map(\.isDefault) == [true, false] && listing.sinks.map(\.isOurs) == [false, true])
    let links = AppStreamListing.links(of: AppStream.ID(node: 70, serial: 0), in: builder.graph)
    #expect(links.map(\.node).sorted() == ["recorder", "speakers", "speakers"] && links.count(where: \.isSink) == 2)
    #expect(AppStreamListing.links(of: AppStream.ID(node: 70, serial: 1), in: builder.graph).isEmpty, "another stream")
  }

  @Test func changesAreToldOnce() {
    func stream(_ node: UInt32, _ volume: Float = 1) -> AppStream {
      AppStream(id: AppStream.ID(node: node, serial: UInt64(node)), volumes: [volume])
    }
    let sinks = [SinkFacts(name: "speakers")]
    let first = AppStreamListing.change(from: nil, to: ([stream(1)], sinks, true))
    #expect(first == AppStreamChange(added: [stream(1)], sinks: sinks, isReady: true))
    #expect(AppStreamListing.change(from: ([stream(1)], sinks, true), to: ([stream(1)], sinks, true)) == nil)
    let next = AppStreamListing.change(
      from: ([stream(1), stream(2)], sinks, true), to: ([stream(2, 0.5), stream(3)], sinks, true))
    #expect(next?.removed.map(\.node) == [1] && next?.added == [stream(3)] && next?.changed == [stream(2, 0.5)])
    #expect(next?.sinks == nil)
    #expect(AppStreamListing.change(from: ([], sinks, true), to: ([], sinks, false))?.isReady == false)
  }

  @Test func metadataOfNodes() {
    var graph = graph().graph
    graph.target(of: 70, key: "target.object", value: "ours")
    graph.target(of: 70, key: "target.node", value: "-1")
    graph.target(of: 99, key: "target.object", value: "nobody")
    #expect(graph.targets == [70: AppStream.Target(object: "ours", node: "-1")])
    graph.target(of: 70, key: "target.object", value: nil)
    #expect(graph.targets[70] == AppStream.Target(node: "-1"))
    graph.target(of: 70, key: nil, value: nil)
    #expect(graph.targets.isEmpty)
    graph.target(of: 70, key: "target.object", value: "ours")
    graph.remove(70)
    #expect(graph.targets.isEmpty)
    // What reads as a number is taken for one.
    var numbered = GraphBuilder()
    numbered.graph.add(
      GraphMirror.Node(id: 40, name: "7", description: "", mediaClass: "Audio/Sink", priority: 0, serial: 120))
    #expect(TargetValue.text(for: "7", in: numbered.graph) == "120" && TargetValue.text(for: "a", in: graph) == "a")
    #expect(TargetValue.type(of: "120") == "Spa:Id" && TargetValue.type(of: "a") == "Spa:String")
  }

  @Test func whatASessionManagerTakesForTheSame() {
    var stream = AppStream(id: AppStream.ID(node: 1, serial: 1))
    #expect(stream.memoryKey == nil)
    stream.labels = ["node.name": "n", "application.name": "Game", "media.class": "Stream/Output/Audio"]
    #expect(stream.memoryKey == "Stream/Output/Audio:application.name:Game")
    stream.labels["media.role"] = "Music"
    #expect(stream.memoryKey == "Stream/Output/Audio:media.role:Music")
  }

  @Test func longWordsAreCut() {
    let labels = ObjectFacts.labels { $0 == "media.name" ? String(repeating: "ü", count: 10_000) : nil }
    #expect(labels.keys.sorted() == ["media.name"] && labels["media.name"]!.utf8.count <= 512)
  }
}
