import Control
import Glibc
import TestSupport
import Testing

extension DaemonTests {
  /// The daemon is killed at random points while it holds, takes or returns the user's default sink.
  @Suite(.serialized) struct KilledLeaseTests {
    /// What belongs to the user.
    private struct World: Equatable {
      var metadata: [String]
      var links: Set<PortLink>
      var volumes: String

      init(_ server: PrivatePipeWire) throws {
        metadata = try server.run(["pw-metadata", "0"]).standardOutput.split(separator: "\n").map(String.init)
          .filter { $0.contains("default.") }.sorted()
        links = try server.links()
        volumes = try server.run(["wpctl", "get-volume", "@DEFAULT_AUDIO_SINK@"]).standardOutput
      }
    }

    private mutating func returns(to before: World, on server: PrivatePipeWire) throws -> Bool {
      try waitUntil(timeout: 10) {
        now = try World(server)
        return now == before
      }
    }

    /// As it was seen last.
    private var now: World?

    @Test mutating func whatAKilledDaemonChangedIsPutBack() throws {
      let server = try PrivatePipeWire()
      let tone = try TonePlayer(server)
      try server.run(["wpctl", "set-volume", "@DEFAULT_AUDIO_SINK@", "0.7"])
      #expect(try waitUntil(timeout: 10) { try server.links().contains { $0.input.hasPrefix("private-sink:") } })
      let before = try World(server)
      let state = try TemporaryDirectory()
      for round in 0..<Breadth.rounds(short: 4, long: 50) {
        do {
          let daemon = try DaemonUnderTest(on: server, state: state)
          _ = try daemon.client.request(
            "session.open", ["to": "127.0.0.1:9", "host_audio": "mute", "name": "mute"])
          // From before the change to long after it; every third time the default is on its way back.
          usleep(UInt32.random(in: 0...600_000))
          if round % 3 == 2 {
            _ = try daemon.client.request("session.close", ["session": "mute"])
            usleep(UInt32.random(in: 0...100_000))
          }
          daemon.signal(SIGKILL)
          _ = daemon.wait(timeout: 5)
        }
        if round % 2 == 0 {
          let cleanup = try server.run([
            "env", "XDG_STATE_HOME=\(state.path)", Products.streamd, "--cleanup", "--remote", server.remote,
          ])
          #expect(cleanup.status == 0, "\(cleanup.standardError)")
          #expect(try returns(to: before, on: server), "round \(round): \(now)")
        } else {
          let next = try DaemonUnderTest(on: server, state: state)
          #expect(try returns(to: before, on: server), "round \(round): \(now)")
          #expect(next.stop() == 0)
        }
      }
      #expect(try World(server) == before)
      withExtendedLifetime(tone) {}
    }
  }
}
