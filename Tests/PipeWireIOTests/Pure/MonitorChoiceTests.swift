import AudioCore
import AudioIO
import Testing

@testable import PipeWireIO

/// Makes graphs by hand.
struct GraphBuilder {
  var graph = GraphMirror()
  private var nextPort: UInt32 = 1000
  private var nextLink: UInt32 = 9000

  mutating func node(
    _ id: UInt32, _ name: String, _ mediaClass: String, priority: Int = 0, client: UInt32 = .max,
    application: String = ""
  ) {
    graph.add(
      GraphMirror.Node(
        id: id, name: name, description: name, mediaClass: mediaClass, priority: priority, client: client,
        application: application))
  }

  @discardableResult
  mutating func port(_ node: UInt32, _ channel: String, output: Bool, monitor: Bool, index: Int, isAudio: Bool = true)
    -> UInt32
  {
    nextPort += 1
    graph.add(
      GraphMirror.Port(
        id: nextPort, node: node, isOutput: output, isMonitor: monitor, index: index, channel: channel,
        isAudio: isAudio))
    return nextPort
  }

  /// A sink with its playback and monitor ports, the monitors first so that ids tell nothing.
  mutating func sink(_ id: UInt32, _ name: String, _ channels: [String] = ["FL", "FR"], priority: Int = 0) {
    node(id, name, "Audio/Sink", priority: priority)
    for (index, channel) in channels.enumerated().reversed() {
      port(id, channel, output: true, monitor: true, index: index)
      port(id, channel, output: false, monitor: false, index: index)
    }
  }

  mutating func microphone(_ id: UInt32, _ name: String, _ mediaClass: String = "Audio/Source") {
    node(id, name, mediaClass, priority: 9999)
    for (index, channel) in ["FL", "FR"].enumerated() {
      port(id, channel, output: true, monitor: false, index: index)
    }
  }

  /// Our own node's inputs.
  mutating func capture(_ id: UInt32, _ channels: [String]) {
    node(id, "streamd", "Stream/Input/Audio")
    for (index, channel) in channels.enumerated() { port(id, channel, output: false, monitor: false, index: index) }
  }

  @discardableResult mutating func link(_ output: UInt32, _ input: UInt32) -> UInt32 {
    nextLink += 1
    graph.add(GraphMirror.Link(id: nextLink, output: output, input: input))
    return nextLink
  }
}

@Suite struct MonitorChoiceTests {
  private func choose(
    _ builder: GraphBuilder, _ target: SinkTarget = .defaultSink, current: UInt32? = nil
  ) -> Result<MonitorChoice.Source, BackendError> {
    MonitorChoice.source(in: builder.graph, target: target, current: current)
  }

  private func refusal(_ builder: GraphBuilder, _ target: SinkTarget = .defaultSink) -> BackendError? {
    guard case .failure(let error) = choose(builder, target) else { return nil }
    return error
  }

  @Test(arguments: [
    "Audio/Source", "Audio/Source/Virtual", "Audio/Duplex", "Stream/Output/Audio", "Stream/Input/Audio", "Video/Source",
    "Audio/Sink/Virtual", "audio/sink", "",
  ])
  func onlySinksAreEverHeard(mediaClass: String) {
    var builder = GraphBuilder()
    builder.microphone(30, "other", mediaClass)
    // Even if it claims to have monitor ports and is what the session manager calls the default sink.
    builder.port(30, "FL", output: true, monitor: true, index: 2)
    builder.graph.defaultSink = "other"
    #expect(refusal(builder)?.code == .noSink)
    #expect(refusal(builder, .named("other"))?.code == .notASink)
    if case .success = choose(builder, current: 30) { Issue.record("a node that is no sink was kept") }
    #expect(builder.graph.ports.keys.allSatisfy { !builder.graph.isSinkMonitor($0) })
  }

  @Test func onlyMonitorPortsOfTheSinkAreTaken() throws {
    var builder = GraphBuilder()
    builder.sink(30, "speakers")
    builder.microphone(40, "mic")
    // A sink with an output that is no monitor: a loopback's other side.
    let stray = builder.port(30, "FC", output: true, monitor: false, index: 9)
    let source = try choose(builder).get()
    #expect(source.channels.count == 2)
    for channel in source.channels { #expect(builder.graph.isSinkMonitor(channel.port)) }
    #expect(!builder.graph.isSinkMonitor(stray))
  }

  @Test func microphoneAndNoSinkWaits() {
    var builder = GraphBuilder()
    builder.microphone(30, "mic")
    #expect(refusal(builder)?.code == .noSink)
    #expect(refusal(builder)?.recovery == .waitForDevice)
  }

  @Test func mistypedNameIsListedNotGuessed() {
    var builder = GraphBuilder()
    for id: UInt32 in 1...10 { builder.sink(id, "sink-\(id)") }
    builder.graph.defaultSink = "sink-1"
    let error = refusal(builder, .named("sink-l"))
    #expect(error?.code == .sinkNotFound)
    #expect(error?.hint?.contains("\"sink-1\"") == true)
    #expect(error?.hint?.contains("and 2 more") == true)
    #expect(refusal(GraphBuilder(), .named("x"))?.hint == "no sink exists")
  }

  @Test func namedSourceIsRefusedByName() {
    var builder = GraphBuilder()
    builder.sink(30, "speakers")
    builder.microphone(40, "mic")
    let error = refusal(builder, .named("mic"))
    #expect(error?.code == .notASink)
    #expect(error?.message.contains("Audio/Source") == true)
    #expect(error?.hint?.contains("speakers") == true)
  }

  /// Two nodes may share a name: the sink is meant.
  @Test func sinkWinsOverItsNamesake() throws {
    var builder = GraphBuilder()
    builder.microphone(20, "card")
    builder.sink(30, "card")
    #expect(try choose(builder, .named("card")).get().sink.id == 30)
  }

  @Test func defaultFollowsTheSessionManager() throws {
    var builder = GraphBuilder()
    builder.sink(30, "a", priority: 1000)
    builder.sink(40, "b")
    builder.graph.defaultSink = "b"
    #expect(try choose(builder, current: 30).get().sink.id == 40)
    builder.graph.defaultSink = "a"
    #expect(try choose(builder, current: 40).get().sink.id == 30)
    #expect(try choose(builder, .named("b"), current: 30).get().sink.id == 40, "a name is no default")
  }

  @Test func withoutADefaultTheCurrentOneStays() throws {
    var builder = GraphBuilder()
    builder.sink(30, "a", priority: 10)
    builder.sink(40, "b", priority: 20)
    #expect(try choose(builder).get().sink.id == 40)
    #expect(try choose(builder, current: 30).get().sink.id == 30)
    builder.graph.defaultSink = "gone"
    #expect(try choose(builder, current: 30).get().sink.id == 30)
    builder.graph.remove(30)
    #expect(try choose(builder, current: 30).get().sink.id == 40)
    builder.sink(50, "c", priority: 20)
    #expect(try choose(builder).get().sink.id == 40, "the older of equals")
  }

  /// What plays into a sink of this process is heard there: whoever hears the default stays where it was.
  @Test func ourOwnSinkIsNoDefaultToHear() throws {
    var builder = GraphBuilder()
    builder.sink(30, "a", priority: 10)
    builder.sink(40, "b", priority: 20)
    builder.sink(50, "ours", priority: 30)
    builder.graph.ownSinks = [50]
    builder.graph.defaultSink = "ours"
    #expect(try choose(builder, current: 30).get().sink.id == 30)
    #expect(try choose(builder).get().sink.id == 40)
    #expect(try choose(builder, .named("ours")).get().sink.id == 50, "asked for by name")
    builder.graph.remove(30)
    builder.graph.remove(40)
    #expect(refusal(builder)?.code == .noSink)
  }

  @Test func sinkWithoutPortsIsNotReady() {
    var builder = GraphBuilder()
    builder.node(30, "new", "Audio/Sink")
    #expect(refusal(builder)?.code == .noPorts)
    builder.port(30, "FL", output: false, monitor: false, index: 0)
    #expect(refusal(builder)?.code == .noPorts, "playback ports are not monitors")
    #expect(refusal(builder)?.recovery == .retrySoon)
  }

  @Test(arguments: [
    (["FL", "FR"], ["FL", "FR"]), (["MONO"], ["MONO"]),
    (["FL", "FR", "RL", "RR", "FC", "LFE"], ["FL", "FR", "FC", "LFE", "RL", "RR"]),
    (["FR", "FL", "SL", "SR", "FC", "LFE"], ["FL", "FR", "FC", "LFE", "SL", "SR"]),
    (["FL", "FR", "RL", "RR", "FC", "LFE", "SL", "SR"], ["FL", "FR", "FC", "LFE", "RL", "RR", "SL", "SR"]),
    (["AUX0", "AUX1"], ["FL", "FR"]),
    ((0..<10).map { "AUX\($0)" }, ["FL", "FR", "FC", "LFE", "RL", "RR", "SL", "SR"]),
    (["FL", "FL", "FR", "TFC"], ["FL", "FR"]),
  ])
  func channelsComeInTheCanonicalOrder(ports: [String], expected: [String]) throws {
    var builder = GraphBuilder()
    builder.sink(30, "s", ports)
    let source = try choose(builder).get()
    #expect(source.layout?.names == expected)
    for channel in source.channels {
      let port = try #require(builder.graph.ports[channel.port])
      #expect(ChannelLabel(portChannel: port.channel) == channel.label)
    }
  }

  @Test(arguments: ["AUX", "AUX8", "AUX-1", "AUXA", "FLC", "", "UNK", "aux0"]) func namesThatAreNoPosition(name: String)
  {
    #expect(ChannelLabel(portChannel: name) == nil)
  }
}

@Suite struct LinkWorkTests {
  private typealias Pair = MonitorChoice.LinkWork.Pair

  private func scene() throws -> (GraphBuilder, MonitorChoice.Source, [Pair]) {
    var builder = GraphBuilder()
    builder.sink(30, "speakers")
    builder.microphone(40, "mic")
    builder.capture(50, ["FL", "FR"])
    let source = try MonitorChoice.source(in: builder.graph, target: .defaultSink, current: nil).get()
    let inputs = builder.graph.ports(of: 50).map(\.id)
    return (builder, source, zip(source.channels, inputs).map { Pair(output: $0.port, input: $1) })
  }

  private func work(_ builder: GraphBuilder, _ source: MonitorChoice.Source, made: Set<Pair> = [])
    -> MonitorChoice.LinkWork
  { MonitorChoice.linkWork(in: builder.graph, source: source, node: 50, made: made) }

  @Test func linksChannelToChannelThenIsComplete() throws {
    var (builder, source, pairs) = try scene()
    var work = work(builder, source)
    #expect(Set(work.missing) == Set(pairs) && !work.isComplete)
    #expect(work.forbidden.isEmpty && work.stale.isEmpty)
    builder.link(pairs[0].output, pairs[0].input)
    work = self.work(builder, source, made: Set(pairs))
    #expect(work.missing.isEmpty && !work.isComplete, "asked for, not there yet")
    builder.link(pairs[1].output, pairs[1].input)
    work = self.work(builder, source, made: Set(pairs))
    #expect(work.isComplete && work.missing.isEmpty)
  }

  @Test func linkFromAMicrophoneIsForbidden() throws {
    var (builder, source, pairs) = try scene()
    for pair in pairs { builder.link(pair.output, pair.input) }
    let microphone = try #require(builder.graph.ports(of: 40).first)
    let foreign = builder.link(microphone.id, pairs[0].input)
    let work = work(builder, source, made: Set(pairs))
    #expect(work.forbidden == [foreign])
    #expect(!work.isComplete)
    #expect(MonitorChoice.forbiddenLinks(in: builder.graph, node: 50) == [foreign])
    builder.graph.remove(foreign)
    #expect(self.work(builder, source, made: Set(pairs)).isComplete)
  }

  @Test func linkFromAPortNobodyKnowsIsForbidden() throws {
    var (builder, source, pairs) = try scene()
    let foreign = builder.link(77_777, pairs[0].input)
    #expect(work(builder, source).forbidden == [foreign])
  }

  @Test func linksToOthersAreNotOurs() throws {
    var (builder, source, pairs) = try scene()
    builder.capture(60, ["FL"])
    let theirs = try #require(builder.graph.ports(of: 60).first)
    builder.link(try #require(builder.graph.ports(of: 40).first).id, theirs.id)
    for pair in pairs { builder.link(pair.output, pair.input) }
    #expect(work(builder, source, made: Set(pairs)).isComplete)
  }

  @Test func earlierChoiceIsLetGo() throws {
    var (builder, _, pairs) = try scene()
    builder.sink(35, "other")
    let source = try MonitorChoice.source(in: builder.graph, target: .named("other"), current: 30).get()
    for pair in pairs { builder.link(pair.output, pair.input) }
    let work = work(builder, source, made: Set(pairs))
    #expect(Set(work.stale) == Set(pairs))
    #expect(work.missing.count == 2 && !work.isComplete)
  }

  @Test func nothingIsLinkedBeforeOurPortsAreThere() throws {
    var (builder, source, _) = try scene()
    builder.graph.remove(try #require(builder.graph.ports(of: 50).last).id)
    let work = work(builder, source)
    #expect(work.missing.isEmpty && !work.isComplete)
  }

  @Test func removedNodeTakesNothingElse() throws {
    var (builder, _, _) = try scene()
    builder.graph.remove(30)
    #expect(builder.graph.sinks.isEmpty)
    #expect(builder.graph.ports.keys.allSatisfy { !builder.graph.isSinkMonitor($0) })
  }
}
