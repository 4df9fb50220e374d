import Control
import Glibc
import TestSupport
import Testing

extension DaemonTests {
  /// Streams that appear and vanish twenty times a second while a profile routes them.
  @Suite(.serialized) struct StreamStormTests {
    private static let profile = """
      name = "storm"
      [per_app]
      enabled = true
      default_enabled = true
      [[rules]]
      match = { node_name = ["chat*"] }
      route = "bus:voice"
      [[rules]]
      match = { node_name = ["raw*"] }
      route = "bypass"
      [[rules]]
      match = { node_name = ["hidden*"] }
      route = "exclude"
      [buses.voice]
      chain = "transparent"
      """
    private static let kinds = ["plain", "chat", "raw", "hidden"]

    @Test func whatComesAndGoesLeavesNothingBehind() throws {
      let rig = try RoutingRig(profiles: ["storm": Self.profile])
      let bystander = try TonePlayer(rig.server, name: "bystander")
      let count = Breadth.rounds(short: 60, long: 2400)
      // What the server alone does to who plays on through it.
      let unrouted = try late(bystander) { if Breadth.isLong { try storm(rig, count: count) } }
      try rig.ask("profile.use", ["name": "storm"])
      #expect(try rig.plays("bystander", to: "streamd.processed"))
      // What is made once is made before it is weighed.
      try storm(rig, count: 40)
      #expect(try isAlone(rig))
      let descriptors = rig.daemon.descriptors
      var memory: [Double] = []
      let routed = try late(bystander) {
        for _ in 0..<2 {
          try storm(rig, count: count / 2)
          memory.append(Campaign.memory(of: rig.daemon.pid))
        }
      }
      print("storm of \(count): late \(unrouted) times without a profile, \(routed) with one; \(memory) MB")

      #expect(try isAlone(rig), "\(rig.daemon.log)")
      #expect(try waitUntil(timeout: 15) { try rig.targets().count == 1 })
      #expect(try rig.plays("bystander", to: "streamd.processed"))
      let isClean = waitUntil(timeout: 15) { rig.daemon.descriptors <= descriptors }
      let nodes = isClean ? "" : try rig.server.run(["pw-cli", "ls", "Node"]).standardOutput
      #expect(isClean, "\(rig.daemon.descriptors) after \(descriptors): \(nodes)")
      if Breadth.isLong {
        #expect(routed <= 2 * unrouted + 5)
        // Allocators keep what the most streams at once have needed; a leak would go on.
        #expect(memory[1] - memory[0] < 4)
      }

      // Everybody who stays is where the rules say.
      let players = try Self.kinds.map { try TonePlayer(rig.server, name: $0 + ".stays") }
      let sinks = ["streamd.processed", "streamd.bus.voice", PrivatePipeWire.sinkName, PrivatePipeWire.sinkName]
      for (kind, sink) in zip(Self.kinds, sinks) {
        #expect(try rig.plays(kind + ".stays", to: sink), "\(rig.daemon.log)")
      }
      withExtendedLifetime(players) {}
    }

    /// Nobody plays but the bystander.
    private func isAlone(_ rig: RoutingRig) throws -> Bool {
      try waitUntil(timeout: 15) { try rig.ask("route.list")["current"]?.arrayValue?.count == 1 }
    }

    /// How often this player was late meanwhile.
    private func late(_ player: TonePlayer, during work: () throws -> Void) rethrows -> Int {
      let before = player.misses.count
      try work()
      return player.misses.count - before
    }

    /// Some live long enough to be routed, some are gone before.
    private func storm(_ rig: RoutingRig, count: Int) throws {
      var alive: [TonePlayer] = []
      for index in 0..<count {
        let name = "\(Self.kinds[index % Self.kinds.count]).\(index)"
        alive.append(try TonePlayer(rig.server, frequency: 300, name: name, amplitude: 0.01, isAwaited: false))
        if alive.count > 1 + index % 8 { alive.removeFirst(alive.count - 1 - index % 8) }
        usleep(50_000)
      }
    }
  }
}
