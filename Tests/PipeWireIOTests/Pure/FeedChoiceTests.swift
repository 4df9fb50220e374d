import AudioCore
import AudioIO
import Testing

@testable import PipeWireIO

@Suite struct FeedChoiceTests {
  private typealias Pair = FeedChoice.Pair

  private func scene() -> GraphBuilder {
    var builder = GraphBuilder()
    builder.sink(30, "speakers", priority: 10)
    builder.sink(40, "headphones", ["FL", "FR"], priority: 20)
    builder.sink(50, "ours", priority: 90)
    builder.graph.ownSinks = [50]
    builder.node(60, "copy", "Stream/Output/Audio")
    for (index, channel) in ["FL", "FR"].enumerated() {
      builder.port(60, channel, output: true, monitor: false, index: index)
    }
    return builder
  }

  private func source(_ builder: GraphBuilder, _ preferred: String?, current: UInt32? = nil) throws
    -> MonitorChoice.Source
  { try FeedChoice.source(in: builder.graph, preferred: preferred, current: current).get() }

  @Test func theWishThenTheCurrentThenTheMostImportant() throws {
    var builder = scene()
    #expect(try source(builder, "speakers", current: 40).sink.id == 30)
    #expect(try source(builder, "gone", current: 30).sink.id == 30)
    #expect(try source(builder, "gone").sink.id == 40)
    #expect(try source(builder, nil).sink.id == 40)
    builder.graph.remove(40)
    #expect(try source(builder, "headphones", current: 40).sink.id == 30)
    builder.graph.remove(30)
    #expect(throws: BackendError.self) { try source(builder, "headphones") }
  }

  @Test func ourOwnSinkIsNeverPlayedInto() throws {
    var builder = scene()
    #expect(try source(builder, "ours", current: 50).sink.id == 40)
    builder.graph.defaultSink = "ours"
    #expect(try source(builder, nil).sink.id == 40)
  }

  @Test func channelsGoToTheirPlaybackPorts() throws {
    var builder = scene()
    let source = try source(builder, "speakers")
    let playback = builder.graph.ports(of: 30).filter { !$0.isOutput }.map(\.id)
    let outputs = builder.graph.ports(of: 60).map(\.id)
    #expect(source.channels.map(\.port) == playback)
    let pairs = zip(outputs, playback).map { Pair(output: $0, input: $1) }
    var work = FeedChoice.linkWork(in: builder.graph, source: source, node: 60, made: [])
    #expect(work.missing == pairs && !work.isComplete)
    for pair in pairs { builder.link(pair.output, pair.input) }
    work = FeedChoice.linkWork(in: builder.graph, source: source, node: 60, made: Set(pairs))
    #expect(work.isComplete && work.missing.isEmpty && work.stale.isEmpty)
  }

  @Test func aLinkOfAnybodyElseIsForbidden() throws {
    var builder = scene()
    let source = try source(builder, "speakers")
    let output = try #require(builder.graph.ports(of: 60).first).id
    let own = try #require(builder.graph.ports(of: 50).first { !$0.isOutput }).id
    let foreign = builder.link(output, own)
    let work = FeedChoice.linkWork(in: builder.graph, source: source, node: 60, made: [])
    #expect(work.forbidden == [foreign] && !work.isComplete)
    // Nor while our ports are not all there.
    let right = try #require(builder.graph.ports(of: 60).last).id
    builder.graph.remove(right)
    #expect(FeedChoice.linkWork(in: builder.graph, source: source, node: 60, made: []).forbidden == [foreign])
  }

  @Test func linksToTheSinkBeforeAreStale() throws {
    var builder = scene()
    let old = try source(builder, "speakers")
    let made = FeedChoice.linkWork(in: builder.graph, source: old, node: 60, made: []).missing
    for pair in made { builder.link(pair.output, pair.input) }
    let work = FeedChoice.linkWork(
      in: builder.graph, source: try source(builder, "headphones"), node: 60, made: Set(made))
    #expect(work.stale == made && work.missing.count == 2)
    #expect(work.forbidden.isEmpty, "ours, and about to go")
  }
}
