import AudioIO
import Control
import Glibc
import TestSupport
import Testing

extension DaemonTests {
  /// What the host plays while a client listens, and that it is as before afterwards.
  @Suite(.serialized) struct HostAudioSessionTests {
    private func open(_ daemon: DaemonUnderTest, _ mode: String) throws -> JSON {
      try daemon.client.request(
        "session.open", ["to": "127.0.0.1:9", "host_audio": .string(mode), "name": .string(mode)])
    }

    /// The effective default sink.
    private func defaultSink(_ server: PrivatePipeWire) throws -> String? {
      let text = try server.run(["pw-metadata", "0", "default.audio.sink"]).standardOutput
      guard let name = text.firstRange(of: "\"name\":\"") ?? text.firstRange(of: "\"name\": \"") else { return nil }
      return String(text[name.upperBound...].prefix { $0 != "\"" })
    }

    private func configured(_ server: PrivatePipeWire) throws -> String {
      try server.run(["pw-metadata", "0", "default.configured.audio.sink"]).standardOutput
    }

    @Test func muteTakesTheDefaultAndGivesItBack() throws {
      let server = try PrivatePipeWire()
      let daemon = try DaemonUnderTest(on: server)
      #expect(try waitUntil(timeout: 10) { try defaultSink(server) == PrivatePipeWire.sinkName })
      let before = try configured(server)
      func after() -> String { (try? configured(server)) ?? "nothing" }
      let session = try open(daemon, "mute")
      #expect(session["session"]?["host_audio"] == "mute")
      #expect(try waitUntil(timeout: 10) { try defaultSink(server) == "streamd" })
      // A player that follows the default is heard now, and the real sink is not played to.
      let tone = try TonePlayer(server)
      #expect(try waitUntil(timeout: 15) { try daemon.session()["state"] == "live" })
      #expect(try server.links().contains { $0.input.hasPrefix("streamd:") })
      #expect(try !server.links().contains { $0.input.hasPrefix(PrivatePipeWire.sinkName + ":") })
      _ = try daemon.client.request("session.close", ["session": "mute"])
      #expect(try waitUntil(timeout: 15) { try defaultSink(server) == PrivatePipeWire.sinkName })
      #expect(
        try waitUntil(timeout: 15) { try configured(server) == before },
        "before: \(before), after: \(after()), \(daemon.log.suffix(1500))")
      // It stays a while for a client that comes back, then goes.
      #expect(try waitUntil(timeout: 15) { try !server.nodes().contains("streamd") })
      withExtendedLifetime(tone) {}
    }

    @Test func virtualOnlyLeavesTheDefaultAlone() throws {
      let server = try PrivatePipeWire()
      let daemon = try DaemonUnderTest(on: server)
      let before = try configured(server)
      _ = try open(daemon, "virtual_only")
      #expect(try waitUntil(timeout: 10) { try server.nodes().contains("streamd") })
      #expect(try defaultSink(server) == PrivatePipeWire.sinkName)
      #expect(try configured(server) == before)
      let tone = try TonePlayer(server, to: .named("streamd"))
      #expect(try waitUntil(timeout: 15) { try daemon.session()["state"] == "live" })
      withExtendedLifetime(tone) {}
    }

    /// Short form; `make soak` is the long one.
    @Test(arguments: 0..<3) func aKilledDaemonIsUndoneByTheNext(round: Int) throws {
      let server = try PrivatePipeWire()
      #expect(try waitUntil(timeout: 10) { try defaultSink(server) == PrivatePipeWire.sinkName })
      let before = try configured(server)
      let state = try TemporaryDirectory()
      do {
        let daemon = try DaemonUnderTest(on: server, state: state)
        _ = try open(daemon, "mute")
        // From before the change to long after it.
        usleep(UInt32(round) * 40_000)
        daemon.signal(SIGKILL)
        _ = daemon.wait(timeout: 5)
      }
      let next = try DaemonUnderTest(on: server, state: state)
      #expect(try waitUntil(timeout: 15) { try configured(server) == before })
      #expect(try waitUntil(timeout: 15) { try defaultSink(server) == PrivatePipeWire.sinkName })
      withExtendedLifetime(next) {}
    }

    @Test func terminationGivesTheDefaultBack() throws {
      let server = try PrivatePipeWire()
      let before = try configured(server)
      let daemon = try DaemonUnderTest(on: server)
      _ = try open(daemon, "mute")
      #expect(try waitUntil(timeout: 10) { try defaultSink(server) == "streamd" })
      #expect(daemon.stop() == 0)
      #expect(try waitUntil(timeout: 5) { try configured(server) == before })
    }
  }
}
