import AudioCore
import Testing

@testable import Policy

@Suite struct ReconcilerTests {
  private static let ours = "streamd"
  private static let wanted: [UInt32: Destination] = [1: .node(ours)]

  /// A stream that has been brought to our node and linked there.
  private func settled() -> (Reconciler, ToyGraph) {
    var graph = ToyGraph()
    graph.add(1)
    var reconciler = Reconciler()
    #expect(reconciler.run(&graph, Self.wanted) == [.setTarget(stream: 1, node: Self.ours)])
    graph.follow()
    graph.pass(.milliseconds(20))
    #expect(reconciler.run(&graph, Self.wanted).isEmpty)
    return (reconciler, graph)
  }

  @Test func routesHaveDestinations() {
    let nodes = Destinations(processed: "p", bypass: "real", buses: ["voice": "v"])
    #expect(nodes[.processed] == .node("p") && nodes[.bypass] == .node("real"))
    #expect(nodes[.bus("voice")] == .node("v") && nodes[.bus("none")] == .anywhere && nodes[.exclude] == .anywhere)
  }

  @Test func aWriteIsGivenTimeToBeSeen() {
    var graph = ToyGraph()
    graph.add(1)
    var reconciler = Reconciler()
    let before = graph.observed
    #expect(reconciler.step(before, wanted: Self.wanted, at: graph.now).count == 1)
    graph.pass(.milliseconds(500))
    #expect(reconciler.step(before, wanted: Self.wanted, at: graph.now).isEmpty)
    #expect(reconciler.nextStep(after: graph.now) == graph.now + .milliseconds(1500))
    graph.pass(.seconds(2))
    #expect(reconciler.step(before, wanted: Self.wanted, at: graph.now).count == 1)
  }

  /// A program that answers each write within a tenth of a second.
  @Test func aFightIsGivenUpAndToldOnce() {
    var (reconciler, graph) = settled()
    var all: [Reconciler.Action] = []
    for _ in 0..<50 {
      graph.pass(.milliseconds(100))
      graph.streams[1]?.target = "theirs"
      graph.follow()
      all += reconciler.run(&graph, Self.wanted)
      graph.follow()
      all += reconciler.run(&graph, Self.wanted)
    }
    let writes = all.filter { $0 == .setTarget(stream: 1, node: Self.ours) }
    #expect(writes.count == 5)
    #expect(all.last == .report(.fight(target: "theirs"), stream: 1) && all.count == 6)
    #expect(graph.streams[1]?.target == "theirs" && reconciler.held == [1: .fight(target: "theirs")])
    // Until the user says so, or wants it elsewhere.
    reconciler.releaseAll()
    #expect(reconciler.run(&graph, Self.wanted) == [.setTarget(stream: 1, node: Self.ours)])
  }

  @Test func writesAreCountedInAWhileOnly() {
    var damper = FightDamper(limit: 5, window: .seconds(30))
    var now = HostTime(nanoseconds: 0)
    // One in ten seconds is no fight, however long it lasts.
    for _ in 0..<100 {
      let isAllowed = damper.allows(at: now)
      #expect(isAllowed)
      now = now + .seconds(10)
    }
    for index in 0..<10 {
      let isAllowed = damper.allows(at: now)
      #expect(isAllowed == (index < 3), "\(index)")
      now = now + .milliseconds(10)
    }
    #expect(damper.isFight)
    let later = damper.allows(at: now + .seconds(1000))
    damper.reset()
    let anew = damper.allows(at: now)
    #expect(!later && anew)
  }

  @Test(arguments: ["headphones", nil]) func aPersonsMoveIsRespected(_ target: String?) {
    var (reconciler, graph) = settled()
    graph.pass(.seconds(5))
    graph.streams[1]?.target = target
    graph.follow()
    #expect(reconciler.run(&graph, Self.wanted) == [.report(.moved(to: target), stream: 1)])
    for _ in 0..<20 {
      graph.pass(.seconds(7))
      #expect(reconciler.run(&graph, Self.wanted).isEmpty)
    }
    #expect(graph.streams[1]?.target == target)
    // Undone is what stands of ours, and nothing does.
    var copy = reconciler
    #expect(copy.undo(graph.observed).isEmpty)
    // The profile wants it elsewhere.
    #expect(reconciler.run(&graph, [1: .node("streamd.voice")]) == [.setTarget(stream: 1, node: "streamd.voice")])
    #expect(reconciler.held.isEmpty)
  }

  @Test func aLinkDrawnByHandIsRespected() {
    var (reconciler, graph) = settled()
    graph.pass(.seconds(10))
    graph.streams[1]?.links = [Self.ours, "recorder"]
    #expect(reconciler.run(&graph, Self.wanted).isEmpty)
    #expect(reconciler.nextStep(after: graph.now) != nil)
    graph.pass(.milliseconds(1100))
    #expect(reconciler.run(&graph, Self.wanted) == [.report(.linked(to: ["recorder"]), stream: 1)])
    #expect(reconciler.run(&graph, Self.wanted).isEmpty)
  }

  @Test func linksThatPassAreNobodys() {
    var (reconciler, graph) = settled()
    graph.pass(.seconds(10))
    for links: Set<String> in [["speakers"], [], ["speakers", Self.ours]] {
      graph.streams[1]?.links = links
      #expect(reconciler.run(&graph, Self.wanted).isEmpty)
      graph.pass(.milliseconds(300))
      graph.follow()
      #expect(reconciler.run(&graph, Self.wanted).isEmpty)
      graph.pass(.seconds(3))
      #expect(reconciler.run(&graph, Self.wanted).isEmpty)
    }
  }

  @Test func aManagerThatDoesNotFollowIsReported() {
    var graph = ToyGraph()
    graph.add(1)
    var reconciler = Reconciler()
    var all: [Reconciler.Action] = []
    for _ in 0..<30 {
      all += reconciler.run(&graph, Self.wanted)
      graph.pass(.seconds(1))
    }
    #expect(all.count == 7 && all.last == .report(.notFollowed(links: ["speakers"]), stream: 1))
  }

  @Test func whatWasThereComesBack() {
    var graph = ToyGraph()
    graph.add(1, target: "headphones")
    graph.add(2)
    graph.add(3, target: Self.ours)
    graph.add(4, isMovable: false)
    let wanted = [1, 2, 3, 4].reduce(into: [UInt32: Destination]()) { $0[$1] = .node(Self.ours) }
    var reconciler = Reconciler()
    #expect(reconciler.run(&graph, wanted).count == 2)
    graph.follow()
    _ = reconciler.run(&graph, wanted)
    var other = reconciler
    #expect(
      other.run(&graph, wanted.mapValues { _ in .anywhere }) == [
        .setTarget(stream: 1, node: "headphones"), .clearTarget(stream: 2),
      ])
    #expect(graph.streams[4]?.target == nil)
    graph.streams[2]?.target = "elsewhere"
    #expect(other.undo(graph.observed).isEmpty)
    graph.streams[1]?.target = Self.ours
    #expect(reconciler.undo(graph.observed) == [.setTarget(stream: 1, node: "headphones")])
  }

  /// Streams come and go and are wanted elsewhere at random: after each change a few steps lead to rest, everything is
  /// where it is wanted, nothing is written twice, and in the end all is as it was.
  @Test(arguments: 0..<20) func worldsComeToRest(_ seed: Int) {
    var random = Dice(seed: UInt64(seed))
    var graph = ToyGraph()
    var reconciler = Reconciler()
    var wanted: [UInt32: Destination] = [:]
    var originals: [UInt32: String?] = [:]
    let nodes = ["streamd", "streamd.voice", "speakers", "headphones"]
    for round in 0..<40 {
      let id = UInt32(round)
      let target = random.flip() ? nil : ["headphones", "hdmi"].randomElement(using: &random)
      graph.add(id, target: target, isMovable: random.flip(0.9))
      originals[id] = .some(target)
      if random.flip(0.3), let gone = graph.streams.keys.sorted().randomElement(using: &random) {
        graph.streams[gone] = nil
      }
      for id in graph.streams.keys.sorted() where wanted[id] == nil || random.flip(0.2) {
        wanted[id] = random.flip(0.2) ? .anywhere : nodes.randomElement(using: &random).map { .node($0) }
      }
      let before = graph.written
      var calm = 0
      for _ in 0..<8 where calm < 2 {
        let actions = reconciler.run(&graph, wanted)
        calm = actions.isEmpty ? calm + 1 : 0
        if random.flip() { graph.follow() }
        graph.pass(.milliseconds(Int64.random(in: 1...400, using: &random)))
      }
      graph.follow()
      graph.pass(.seconds(3))
      #expect(reconciler.run(&graph, wanted).isEmpty)
      #expect(graph.written - before <= graph.streams.count)
      for (id, stream) in graph.streams where stream.isMovable {
        if case .node(let node)? = wanted[id] {
          #expect(stream.target == node)
        } else {
          #expect(stream.target == originals[id]!)
        }
      }
      #expect(reconciler.held.isEmpty)
    }
    graph.apply(reconciler.undo(graph.observed))
    for (id, stream) in graph.streams { #expect(stream.target == originals[id]!, "\(id)") }
    #expect(reconciler.held.isEmpty && reconciler.written.isEmpty)
  }

  /// Another program and a person in the same world: writes are bounded, and each hold is told once.
  @Test(arguments: 0..<20) func disturbedWorldsComeToRest(_ seed: Int) {
    var random = Dice(seed: 1000 + UInt64(seed))
    var graph = ToyGraph()
    var reconciler = Reconciler()
    var wanted: [UInt32: Destination] = [:]
    for id: UInt32 in 0..<12 {
      graph.add(id)
      wanted[id] = .node(random.flip() ? "streamd" : "streamd.voice")
    }
    let stubborn = Set((0..<4).map { _ in UInt32.random(in: 0..<12, using: &random) })
    var reports: [UInt32: Int] = [:]
    var quiet = 0
    for round in 0..<600 {
      for action in reconciler.run(&graph, wanted) {
        if case .report(_, let id) = action { reports[id, default: 0] += 1 }
        quiet = round
      }
      graph.follow()
      graph.pass(.milliseconds(50))
      for id in stubborn where graph.streams[id]?.target != nil { graph.streams[id]?.target = nil }
      if round < 300, random.flip(0.05) {
        let id = UInt32.random(in: 0..<12, using: &random)
        graph.streams[id]?.target = "headphones"
      }
    }
    #expect(quiet < 500)
    #expect(reports.values.allSatisfy { $0 == 1 })
    #expect(graph.written <= 12 * 6 && stubborn.isSubset(of: reconciler.held.keys))
    for (id, stream) in graph.streams where reconciler.held[id] == nil {
      #expect(wanted[id] == stream.target.map { .node($0) })
    }
  }
}
