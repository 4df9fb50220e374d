import AudioCore
import AudioIO
import Testing

@testable import PipeWireIO

/// What a same-cycle capture is linked to, decided on graphs made by hand.
@Suite struct StreamsChoiceTests {
  /// A followed sink, another one, a microphone and our node.
  struct Scene {
    var builder = GraphBuilder()
    var state = StreamsChoice.State()
    static let sink: UInt32 = 30
    static let other: UInt32 = 40
    static let ours: UInt32 = 50

    init(sinkChannels: [String] = ["FL", "FR"], ready: Bool = true) {
      builder.sink(Self.sink, "sink", sinkChannels)
      builder.sink(Self.other, "other")
      builder.microphone(60, "mic")
      builder.node(Self.ours, "streamd", "Stream/Input/Audio", client: 7)
      let copies = sinkChannels.indices.map { StreamNode.copyChannels[$0] }
      for (index, channel) in (sinkChannels + copies).enumerated() {
        builder.port(Self.ours, channel, output: false, monitor: false, index: index)
      }
      if ready {
        for (channel, copy) in zip(sinkChannels, copies) {
          let pair = StreamsChoice.Pair(
            output: port(Self.sink, channel, output: true, monitor: true), input: input(copy))
          state.made[pair] = HostTime(nanoseconds: 0)
          builder.link(pair.output, pair.input)
        }
      }
    }

    func port(_ node: UInt32, _ channel: String, output: Bool, monitor: Bool = false) -> UInt32 {
      builder.graph.ports(of: node).first {
        $0.channel == channel && $0.isOutput == output && $0.isMonitor == monitor
      }!.id
    }

    func input(_ channel: String) -> UInt32 { port(Self.ours, channel, output: false) }
    func playback(_ channel: String, of sink: UInt32 = Scene.sink) -> UInt32 { port(sink, channel, output: false) }
    var monitor: UInt32 { port(Self.sink, "FL", output: true, monitor: true) }
    var otherMonitor: UInt32 { port(Self.sink, "FR", output: true, monitor: true) }

    /// A player's ports, in order.
    mutating func player(_ id: UInt32, _ channels: [String] = ["FL", "FR"], client: UInt32 = 9) -> [UInt32] {
      builder.node(id, "player-\(id)", "Stream/Output/Audio", client: client)
      return channels.enumerated().map {
        builder.port(id, $0.element, output: true, monitor: false, index: $0.offset)
      }
    }

    func work(at milliseconds: Int64 = 0, hears: (UInt32) -> Bool? = { _ in true }) throws -> StreamsChoice.Work {
      let source = try MonitorChoice.source(in: builder.graph, target: .named("sink"), current: nil).get()
      return StreamsChoice.work(
        in: builder.graph, source: source, node: Self.ours, state: state,
        at: HostTime(nanoseconds: milliseconds * 1_000_000), hears: hears)
    }

    /// Carries a decision out, as the server would.
    mutating func carryOut(_ work: StreamsChoice.Work, at milliseconds: Int64 = 0) {
      let now = HostTime(nanoseconds: milliseconds * 1_000_000)
      for pair in work.stale {
        state.made[pair] = nil
        state.going[pair] = now
        for link in builder.graph.links.values where link.output == pair.output && link.input == pair.input {
          builder.graph.remove(link.id)
        }
      }
      for pair in work.missing {
        state.made[pair] = now
        builder.link(pair.output, pair.input)
      }
    }
  }

  private func pairs(_ list: [(UInt32, UInt32)]) -> Set<StreamsChoice.Pair> {
    Set(list.map { StreamsChoice.Pair(output: $0.0, input: $0.1) })
  }

  @Test func withoutPlayersOnlyTheMonitorIsLinked() throws {
    var scene = Scene(ready: false)
    let work = try scene.work()
    #expect(
      Set(work.missing)
        == pairs([(scene.monitor, scene.input("TC")), (scene.otherMonitor, scene.input("TFL"))]))
    #expect(!work.isReady)
    // Half a copy repairs nothing.
    var half = work
    half.missing.removeLast()
    scene.carryOut(half)
    #expect(try !scene.work().isReady)
    scene.carryOut(work)
    #expect(try scene.work().isReady)
    #expect(try scene.work().missing.isEmpty)
  }

  @Test func playerIsHeardOnTheChannelsItPlaysInto() throws {
    var scene = Scene()
    let out = scene.player(100)
    #expect(try scene.work().missing.isEmpty, "not linked to the sink, not heard")
    scene.builder.link(out[0], scene.playback("FL"))
    scene.builder.link(out[1], scene.playback("FR"))
    let work = try scene.work()
    #expect(Set(work.missing) == pairs([(out[0], scene.input("FL")), (out[1], scene.input("FR"))]))
    scene.carryOut(work)
    let after = try scene.work()
    #expect(after.missing.isEmpty && after.stale.isEmpty && after.forbidden.isEmpty && after.unheard.isEmpty)
  }

  @Test func monoPlayerOnBothSides() throws {
    var scene = Scene()
    let out = scene.player(100, ["MONO"])
    scene.builder.link(out[0], scene.playback("FL"))
    scene.builder.link(out[0], scene.playback("FR"))
    #expect(try Set(scene.work().missing) == pairs([(out[0], scene.input("FL")), (out[0], scene.input("FR"))]))
  }

  /// The sink's port decides, not the player's: crossed and surplus channels come out as the sink plays them.
  @Test func crossedAndSurplusChannels() throws {
    var scene = Scene()
    let out = scene.player(100, ["FL", "FR", "FC", "LFE", "RL", "RR"])
    scene.builder.link(out[0], scene.playback("FR"))
    scene.builder.link(out[1], scene.playback("FL"))
    scene.builder.link(out[2], scene.playback("FL"))
    #expect(
      try Set(scene.work().missing)
        == pairs([(out[0], scene.input("FR")), (out[1], scene.input("FL")), (out[2], scene.input("FL"))]))
  }

  @Test func surroundSink() throws {
    let channels = ["FL", "FR", "FC", "LFE", "RL", "RR"]
    var scene = Scene(sinkChannels: channels)
    let out = scene.player(100, channels)
    for (index, channel) in channels.enumerated() { scene.builder.link(out[index], scene.playback(channel)) }
    #expect(try Set(scene.work().missing) == pairs(channels.indices.map { (out[$0], scene.input(channels[$0])) }))
  }

  /// Numbered channels of a professional profile mean the usual positions.
  @Test func numberedSinkPorts() throws {
    var scene = Scene(sinkChannels: ["FL", "FR"], ready: false)
    scene.builder = GraphBuilder()
    scene.builder.sink(Scene.sink, "sink", ["AUX0", "AUX1"])
    scene.builder.node(Scene.ours, "streamd", "Stream/Input/Audio", client: 7)
    for (index, channel) in ["FL", "FR", "TC", "TFL"].enumerated() {
      scene.builder.port(Scene.ours, channel, output: false, monitor: false, index: index)
    }
    let out = scene.player(100)
    scene.builder.link(out[1], scene.playback("AUX1"))
    #expect(try scene.work().missing.contains(StreamsChoice.Pair(output: out[1], input: scene.input("FR"))))
  }

  @Test func playerThatMovesAwayIsLetGo() throws {
    var scene = Scene()
    let out = scene.player(100)
    let links = [scene.builder.link(out[0], scene.playback("FL")), scene.builder.link(out[1], scene.playback("FR"))]
    scene.carryOut(try scene.work())
    for link in links { scene.builder.graph.remove(link) }
    scene.builder.link(out[0], scene.playback("FL", of: Scene.other))
    let work = try scene.work(at: 5)
    #expect(Set(work.stale) == pairs([(out[0], scene.input("FL")), (out[1], scene.input("FR"))]))
    #expect(work.missing.isEmpty)
    #expect(work.forbidden.isEmpty && work.isReady, "our own old links are no reason to fall silent")
  }

  /// The registry shows a destroyed link of ours a little longer; after that it is somebody else's.
  @Test func destroyedLinkIsNoForeignLinkYet() throws {
    var scene = Scene()
    let out = scene.player(100)
    let pair = StreamsChoice.Pair(output: out[0], input: scene.input("FL"))
    let link = scene.builder.link(pair.output, pair.input)
    scene.state.going[pair] = HostTime(nanoseconds: 0)
    #expect(try scene.work(at: 10).forbidden.isEmpty)
    #expect(try scene.work(at: 1000).forbidden == [link])
  }

  @Test func foreignLinksAreForbidden() throws {
    var scene = Scene()
    let mic = scene.port(60, "FL", output: true)
    let out = scene.player(100)
    let bad = [
      scene.builder.link(mic, scene.input("FL")), scene.builder.link(out[0], scene.input("FL")),
      scene.builder.link(mic, scene.input("TC")),
      scene.builder.link(scene.port(Scene.other, "FL", output: true, monitor: true), scene.input("FL")),
    ]
    let work = try scene.work()
    #expect(work.forbidden == bad.sorted())
    #expect(!work.isReady)
  }

  /// On the right player but the wrong channel is foreign too.
  @Test func foreignLinkOfAPermittedSource() throws {
    var scene = Scene()
    let out = scene.player(100)
    scene.builder.link(out[0], scene.playback("FL"))
    scene.carryOut(try scene.work())
    let bad = scene.builder.link(out[0], scene.input("FR"))
    #expect(try scene.work().forbidden == [bad])
  }

  @Test func microphoneIsHeardOnlyWhileTheSinkPlaysIt() throws {
    var scene = Scene()
    let mic = scene.port(60, "FL", output: true)
    #expect(try scene.work().missing.isEmpty)
    let link = scene.builder.link(mic, scene.playback("FL"))
    let work = try scene.work()
    #expect(work.missing == [StreamsChoice.Pair(output: mic, input: scene.input("FL"))])
    scene.carryOut(work)
    scene.builder.graph.remove(link)
    #expect(try scene.work().stale == work.missing)
  }

  @Test func ourOwnNodesAreNotHeardAndNoException() throws {
    var scene = Scene()
    let own = scene.player(100, client: 7)
    scene.builder.link(own[0], scene.playback("FL"))
    let work = try scene.work()
    #expect(work.missing.isEmpty && work.unheard.isEmpty)
    let bad = scene.builder.link(own[0], scene.input("FL"))
    #expect(try scene.work().forbidden == [bad])
  }

  @Test func encodedSourceIsNamed() throws {
    var scene = Scene()
    scene.builder.node(100, "player-100", "Stream/Output/Audio", client: 9)
    let out = scene.builder.port(100, "", output: true, monitor: false, index: 0, isAudio: false)
    scene.builder.link(out, scene.playback("FL"))
    let work = try scene.work()
    #expect(work.unheard == [UnheardSource(node: "player-100", reason: .encoded)])
    #expect(work.missing.isEmpty && work.isReady)
  }

  @Test func refusedLinkIsNamedAndTriedAgain() throws {
    var scene = Scene()
    let out = scene.player(100)
    scene.builder.link(out[0], scene.playback("FL"))
    let pair = StreamsChoice.Pair(output: out[0], input: scene.input("FL"))
    scene.state.refused[pair] = StreamsChoice.Refusal(tries: 1, at: HostTime(nanoseconds: 0), detail: "busy")
    let work = try scene.work(at: 1)
    #expect(work.unheard == [UnheardSource(node: "player-100", reason: .refused, detail: "busy")])
    #expect(work.missing.isEmpty)
    let again = try #require(work.lookAgainAt)
    #expect(try scene.work(at: again.nanoseconds / 1_000_000).missing == [pair])
  }

  /// Ports that go take their links with them before the registry says so.
  @Test func linkThatWasRemovedOnceIsNoException() throws {
    var scene = Scene()
    let out = scene.player(100)
    scene.builder.link(out[0], scene.playback("FL"))
    let pair = StreamsChoice.Pair(output: out[0], input: scene.input("FL"))
    scene.state.refused[pair] = StreamsChoice.Refusal(tries: 1, at: HostTime(nanoseconds: 0), detail: nil)
    #expect(try scene.work(at: 1).unheard.isEmpty)
    scene.state.refused[pair]?.tries = 2
    #expect(try scene.work(at: 1).unheard.map(\.reason) == [.refused])
  }

  @Test func lateLinkIsNamed() throws {
    var scene = Scene()
    let out = scene.player(100)
    scene.builder.link(out[0], scene.playback("FL"))
    let pair = StreamsChoice.Pair(output: out[0], input: scene.input("FL"))
    scene.state.made[pair] = HostTime(nanoseconds: 0)
    let early = try scene.work(at: 1)
    #expect(early.unheard.isEmpty && early.missing.isEmpty)
    let due = try #require(early.lookAgainAt)
    #expect(try scene.work(at: due.nanoseconds / 1_000_000).unheard.map(\.reason) == [.late])
  }

  /// Whoever may get other ports is let go at once, and missed by name only if it stays.
  @Test func playerThatMayBeMovedIsLetGo() throws {
    var scene = Scene()
    let out = scene.player(100)
    let links = [scene.builder.link(out[0], scene.playback("FL")), scene.builder.link(out[1], scene.playback("FR"))]
    scene.carryOut(try scene.work())
    scene.builder.sink(45, "wide", ["FL", "FR", "FC", "LFE", "RL", "RR"])
    let leaving = { StreamsChoice.leaving(Scene.sink, with: $0, in: scene.builder.graph) }
    #expect(leaving(.toSink("wide")) == [100] && leaving(.ofNode(100)) == [100] && leaving(.toSink("unknown")) == [100])
    #expect(leaving(.toSink("other")).isEmpty, "it has the same channels: ports stay")
    #expect(leaving(.toSink("sink")).isEmpty && leaving(.ofNode(101)).isEmpty)
    scene.state.leaving[100] = HostTime(nanoseconds: 0)
    let work = try scene.work(at: 1)
    #expect(work.stale.count == 2 && work.missing.isEmpty && work.unheard.isEmpty && work.isReady)
    scene.carryOut(work, at: 1)
    let missed = try scene.work(at: work.lookAgainAt!.nanoseconds / 1_000_000)
    #expect(missed.unheard == [UnheardSource(node: "player-100", reason: .leaving)] && missed.missing.isEmpty)
    let stayed = try scene.work(at: missed.lookAgainAt!.nanoseconds / 1_000_000)
    #expect(stayed.unheard.isEmpty && stayed.missing == work.stale)
    // One that went and is back has its new ports already.
    for link in links { scene.builder.graph.remove(link) }
    scene.state.prune(try scene.work(at: 2), at: HostTime(nanoseconds: 2_000_000))
    scene.builder.link(out[0], scene.playback("FL"))
    #expect(try scene.work(at: 3).missing.count == 1)
  }

  @Test func portsThatAreNotAllThereYet() throws {
    var scene = Scene()
    scene.builder.graph.remove(scene.input("FR"))
    let work = try scene.work()
    #expect(work.missing.isEmpty && !work.isReady && work.forbidden.isEmpty)
  }
}
