import Control
import Glibc
import TestSupport
import Testing

extension DaemonTests {
  /// The daemon is killed at random points while it routes streams and lowers their volumes.
  @Suite(.serialized) struct KilledRoutingTests {
    private static let profile = """
      name = "both"
      [per_app]
      enabled = true
      default_enabled = true
      [[per_app.rules]]
      rms_target_db = -40
      rms_window_ms = 50
      [buses.other]
      chain = "transparent"
      """

    /// What belongs to the user.
    private struct World: Equatable {
      var targets: [String]
      var links: Set<PortLink>
      var volumes: [String]
      var defaults: [String]

      init(_ rig: RoutingRig) throws {
        targets = try rig.targets()
        links = try rig.server.links()
        let dump = try rig.server.run(["pw-dump"]).standardOutput
        defaults = try rig.server.run(["pw-metadata", "0"]).standardOutput.split(separator: "\n").map { String($0) }
          .filter { $0.contains("audio.sink") }
        volumes = dump.split(separator: "\n").map { String($0) }.filter { $0.contains("channelVolumes") }
      }
    }

    @Test func whatAKilledDaemonChangedIsPutBack() throws {
      let rig = try RoutingRig(profiles: ["both": Self.profile], settings: "[routing]\nmake_default = true\n")
      _ = rig.daemon.stop()
      let players = try ["one", "two"].map { try TonePlayer(rig.server, name: $0) }
      #expect(try rig.plays("one", to: PrivatePipeWire.sinkName) && rig.plays("two", to: PrivatePipeWire.sinkName))
      let before = try World(rig)
      var generator = SystemRandomNumberGenerator()
      for round in 0..<Breadth.rounds(short: 3, long: 50) {
        try rig.restart()
        try rig.ask("profile.use", ["name": "both"])
        for _ in 0..<Int.random(in: 0...4, using: &generator) {
          let app: JSON = Bool.random() ? "one" : "two"
          let route: JSON =
            ["processed", "bypass", "exclude", "bus:other"].randomElement(using: &generator) ?? "bypass"
          try rig.ask("route.set", ["app": app, "to": route])
          usleep(UInt32.random(in: 0...150_000))
        }
        usleep(UInt32.random(in: 0...200_000))
        rig.daemon.signal(SIGKILL)
        _ = rig.daemon.wait(timeout: 5)
        var environment = rig.server.environment
        environment["XDG_STATE_HOME"] = rig.state.path
        let cleanup = try Child.run(
          [Products.streamd, "--cleanup", "--remote", rig.server.remote], environment: environment, timeout: 20)
        #expect(cleanup.status == 0, "\(cleanup.standardError)")
        #expect(try waitUntil(timeout: 10) { try World(rig) == before }, "round \(round): \(cleanup.standardError)")
      }
      withExtendedLifetime(players) {}
    }
  }
}
