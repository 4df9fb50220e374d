import AudioCore
import AudioIO
import Testing

@testable import PipeWireIO

/// A capture beside a sink that hears only some of what is played, decided on graphs made by hand.
@Suite struct SourceFilterChoiceTests {
  typealias Scene = StreamsChoiceTests.Scene
  typealias Pair = StreamsChoice.Pair

  @Test func onlyWhatIsHeardIsLinked() throws {
    var scene = Scene()
    let game = scene.player(70)
    let voice = scene.player(71)
    for player in [game, voice] {
      for (port, channel) in zip(player, ["FL", "FR"]) { scene.builder.link(port, scene.playback(channel)) }
    }
    let wanted = zip(game, ["FL", "FR"]).map { Pair(output: $0, input: scene.input($1)) }
    let work = try scene.work(hears: { $0 == 70 })
    #expect(work.missing == wanted && work.unheard.isEmpty && work.isReady)
    #expect(try scene.work(hears: { $0 == 70 ? nil : false }).missing.isEmpty, "what is not known yet waits")
    // Heard until now, and no longer: ours to take away, and nobody's foreign link.
    for pair in wanted {
      scene.state.made[pair] = HostTime(nanoseconds: 0)
      scene.builder.link(pair.output, pair.input)
    }
    let left = try scene.work(hears: { $0 == 71 })
    #expect(left.stale == wanted && left.forbidden.isEmpty && left.missing.count == 2 && left.isReady)
    #expect(try scene.work(hears: { $0 == 70 }).stale.isEmpty)
  }

  /// What is not to be heard is not missed either.
  @Test func whatIsLeftOutIsNoFault() throws {
    var scene = Scene()
    scene.builder.node(70, "film", "Stream/Output/Audio", client: 9)
    let port = scene.builder.port(70, "FL", output: true, monitor: false, index: 0, isAudio: false)
    scene.builder.link(port, scene.playback("FL"))
    #expect(try scene.work(hears: { _ in false }).unheard.isEmpty)
    #expect(try scene.work().unheard.map(\.reason) == [.encoded])
  }

  @Test func aStreamIsAskedAboutOnce() throws {
    var scene = Scene()
    for (port, channel) in zip(scene.player(70), ["FL", "FR"]) { scene.builder.link(port, scene.playback(channel)) }
    var asked = 0
    _ = try scene.work(hears: { _ in
      asked += 1
      return true
    })
    #expect(asked == 1)
  }

  /// A change reaches whoever listens, until it is forgotten.
  @Test func filtersTellOfChanges() {
    let stream = AppStream(id: AppStream.ID(node: 1, serial: 1), labels: ["application.name": "game"])
    let filter = SourceFilter { $0[.applicationName] == "game" }
    #expect(filter.hears(stream))
    let told = ChangeCounter()
    let listener = filter.listen { told.add() }
    filter.update { _ in false }
    #expect(!filter.hears(stream) && told.count == 1)
    filter.forget(listener)
    filter.update { _ in true }
    #expect(filter.hears(stream) && told.count == 1)
  }
}
