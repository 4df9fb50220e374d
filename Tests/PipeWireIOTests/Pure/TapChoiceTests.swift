import AudioCore
import AudioIO
import Testing

@testable import PipeWireIO

/// What a tap is linked to, decided on graphs made by hand.
@Suite struct TapChoiceTests {
  typealias Pair = TapChoice.Pair

  private struct Scene {
    var builder = GraphBuilder()
    var outputs: [UInt32] = []
    var inputs: [UInt32] = []

    init(_ channels: [String]) {
      builder.sink(30, "speakers")
      builder.sink(31, "wide", ["FL", "FR", "FC", "LFE", "RL", "RR"])
      builder.node(70, "player", "Stream/Output/Audio", client: 9)
      builder.node(50, "streamd-tap-70", "Stream/Input/Audio", client: 7)
      for (index, channel) in channels.enumerated() {
        outputs.append(builder.port(70, channel, output: true, monitor: false, index: index))
        inputs.append(builder.port(50, channel, output: false, monitor: false, index: index))
      }
    }

    var pairs: [Pair] { zip(outputs, inputs).map { Pair(output: $0, input: $1) } }
    func work(made: Set<Pair> = []) -> TapChoice.Work {
      TapChoice.work(in: builder.graph, source: TapChoice.source(70, in: builder.graph), node: 50, made: made)
    }
  }

  @Test(arguments: [["MONO"], ["FL", "FR"], ["FL", "FR", "FC", "LFE", "RL", "RR"]])
  func everyChannelIsPaired(channels: [String]) {
    var scene = Scene(channels)
    #expect(TapChoice.source(70, in: scene.builder.graph).layout?.names == channels)
    #expect(scene.work().missing == scene.pairs && !scene.work().isComplete)
    #expect(scene.work(made: Set(scene.pairs)).missing.isEmpty)
    for pair in scene.pairs { scene.builder.link(pair.output, pair.input) }
    #expect(scene.work(made: Set(scene.pairs)) == TapChoice.Work(isComplete: true))
    let foreign = scene.builder.link(scene.builder.graph.ports(of: 30).first { $0.isMonitor }!.id, scene.inputs[0])
    #expect(scene.work(made: Set(scene.pairs)).forbidden == [foreign])
  }

  @Test func ourPortsMayStillCome() {
    var scene = Scene(["FL", "FR"])
    scene.builder.graph.remove(scene.inputs[1])
    #expect(scene.work().missing.isEmpty && !scene.work().isComplete)
  }

  @Test func moreChannelsThanALayoutHolds() {
    let many = TapChoice.source(70, in: Scene((0..<12).map { "AUX\($0)" }).builder.graph)
    #expect(many.layout?.count == ChannelLayout.limit)
    #expect(TapChoice.source(70, in: Scene(["UNK"]).builder.graph).layout == nil)
  }

  @Test func aMoveIsWaitedForUntilItHasHappened() {
    var scene = Scene(["FL", "FR"])
    let here = scene.builder.graph.ports(of: 30).first { !$0.isOutput }!.id
    let there = scene.builder.graph.ports(of: 31).first { !$0.isOutput }!.id
    let link = scene.builder.link(scene.outputs[0], here)
    let start = HostTime(nanoseconds: 0)
    let move = TapChoice.Move(of: 70, in: scene.builder.graph, at: start)
    let soon = start + .milliseconds(10)
    #expect(move.wait(for: 70, in: scene.builder.graph, at: soon) == .milliseconds(490))
    scene.builder.graph.remove(link)
    #expect(move.wait(for: 70, in: scene.builder.graph, at: soon) != nil, "on its way")
    scene.builder.link(scene.outputs[0], there)
    #expect(move.wait(for: 70, in: scene.builder.graph, at: soon) == nil)
    #expect(move.wait(for: 70, in: GraphMirror(), at: start + .milliseconds(500)) == nil, "it stays")
  }

  @Test func movesThatConcernAStream() {
    var scene = Scene(["FL", "FR"])
    scene.builder.link(scene.outputs[0], scene.builder.graph.ports(of: 30).first { !$0.isOutput }!.id)
    let graph = scene.builder.graph
    #expect(TapChoice.concerns(.ofNode(70), 70, in: graph) && !TapChoice.concerns(.ofNode(71), 70, in: graph))
    #expect(TapChoice.concerns(.toSink("wide"), 70, in: graph))
    #expect(!TapChoice.concerns(.toSink("speakers"), 70, in: graph))
  }
}
