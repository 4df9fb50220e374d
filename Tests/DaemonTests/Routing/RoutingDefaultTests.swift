import Control
import Glibc
import TestSupport
import Testing

extension DaemonTests {
  /// `routing.make_default` in the real daemon: the user's default sink is lent to the processed one, and given back.
  @Suite(.serialized) struct RoutingDefaultTests {
    private static let processed = "streamd.processed"

    /// What begins to play is processed without being moved, what is not to be processed is not, and clients hear both.
    @Test func theProcessedSinkIsTheDefault() throws {
      let rig = try rig()
      try rig.ask("profile.use", ["name": "softer"])
      #expect(try isDefault(rig, Self.processed), "\(rig.daemon.log)")
      try rig.ask("route.set", ["app": "raw", "to": "bypass"])
      let tone = try TonePlayer(rig.server)
      let raw = try TonePlayer(rig.server, frequency: 3001, name: "raw")
      #expect(try rig.plays(to: Self.processed))
      #expect(try rig.plays("raw", to: PrivatePipeWire.sinkName), "\(rig.daemon.log)")
      #expect(try rig.reaches(-26) && rig.reaches(-20, of: 3001))
      let recorder = try PacketRecorder()
      let codec = try rig.daemon.open(recorder, ["target": "default-sink"])
      #expect(FollowTests.isHeard(recorder, codec), "\(rig.daemon.log)")
      #expect(try rig.daemon.session()["device"]?.stringValue == PrivatePipeWire.sinkName)

      try rig.ask("bypass.set", ["enabled": true])
      #expect(try isDefault(rig, PrivatePipeWire.sinkName))
      #expect(try rig.plays(to: PrivatePipeWire.sinkName))
      try rig.ask("bypass.set", ["enabled": false])
      #expect(try isDefault(rig, Self.processed))
      try rig.ask("profile.off")
      #expect(try isDefault(rig, PrivatePipeWire.sinkName))
      #expect(try rig.plays(to: PrivatePipeWire.sinkName))
      _ = (tone, raw)
    }

    /// Whoever chooses another sink keeps it, and hears what is processed there.
    @Test func theUsersChoiceStands() throws {
      let rig = try rig()
      try rig.server.createNode("headset", mediaClass: "Audio/Sink", channels: 2)
      try rig.ask("profile.use", ["name": "softer"])
      #expect(try isDefault(rig, Self.processed), "\(rig.daemon.log)")
      let tone = try TonePlayer(rig.server)
      #expect(try rig.plays(to: Self.processed))
      try rig.server.setDefault("sink", "headset")
      #expect(try rig.plays("streamd.processed.out", to: "headset"), "\(rig.daemon.log)")
      #expect(try rig.plays(to: Self.processed))
      usleep(2_000_000)
      #expect(try isDefault(rig, "headset"))
      #expect(rig.daemon.stop() == 0)
      #expect(try isDefault(rig, "headset"))
      #expect(try rig.plays(to: "headset"))
      _ = tone
    }

    /// A session that mutes the host lays its own claim over ours.
    @Test func aSessionThatMutesTheHostComesFirst() throws {
      let rig = try rig()
      try rig.ask("profile.use", ["name": "softer"])
      #expect(try isDefault(rig, Self.processed), "\(rig.daemon.log)")
      let recorder = try PacketRecorder()
      _ = try rig.daemon.open(recorder, ["name": "mute", "host_audio": "mute"])
      #expect(try isDefault(rig, "streamd"), "\(rig.daemon.log)")
      try rig.ask("session.close", ["session": "mute"])
      #expect(try isDefault(rig, Self.processed), "\(rig.daemon.log)")
      try rig.ask("profile.off")
      #expect(try isDefault(rig, PrivatePipeWire.sinkName))
    }

    /// Killed while the default is ours: the next daemon plays into the sink that was the user's, and gives it back.
    @Test func whatAKilledDaemonHeldComesBack() throws {
      let rig = try rig()
      // Not the one that a session manager would take by itself.
      try rig.server.createNode("headset", mediaClass: "Audio/Sink", channels: 2)
      try rig.server.setDefault("sink", "headset")
      #expect(try isDefault(rig, "headset"))
      usleep(1_000_000)
      try rig.ask("profile.use", ["name": "softer"])
      #expect(try isDefault(rig, Self.processed), "\(rig.daemon.log)")
      rig.daemon.signal(SIGKILL)
      _ = rig.daemon.wait()
      try rig.restart()
      #expect(try isDefault(rig, Self.processed), "\(rig.daemon.log)")
      #expect(try rig.plays("streamd.processed.out", to: "headset"), "\(rig.daemon.log)")
      #expect(rig.daemon.stop() == 0)
      #expect(try isDefault(rig, "headset"), "\(rig.daemon.log)")
    }

    /// What a profile says of sessions holds for those that say nothing themselves.
    @Test func sessionsTakeOverWhatTheProfileSays() throws {
      let rig = try rig()
      try rig.ask("profile.use", ["name": "softer"])
      func opened(_ arguments: JSONObject) throws -> JSON {
        let recorder = try PacketRecorder()
        var arguments = arguments
        arguments["name"] = "one"
        _ = try rig.daemon.open(recorder, arguments)
        defer { _ = try? rig.ask("session.close", ["session": "one"]) }
        return try rig.ask("session.list")["sessions"]?[0] ?? .null
      }
      let usual = try opened([:])
      #expect(usual["gain_db"] == -3.0 && usual["limiter"] == false, "\(usual)")
      #expect("\(usual)".contains("app:game"), "\(usual)")
      let own = try opened(["gain_db": 2, "limiter": true, "target": "default-sink"])
      #expect(own["gain_db"] == 2.0 && own["limiter"] == true && !"\(own)".contains("app:game"), "\(own)")
      try rig.ask("profile.off")
      let none = try opened([:])
      #expect(none["gain_db"] == 0.0 && none["limiter"] == true, "\(none)")
    }

    private func rig() throws -> RoutingRig {
      try RoutingRig(
        profiles: [
          "softer": """
          name = "softer"
          [[nodes]]
          kind = "gain"
          args = { gain = -6.0 }
          [session]
          gain = -3.0
          limiter = false
          capture = "app:game"
          """
        ], settings: "[routing]\nmake_default = true\n")
    }

    private func isDefault(_ rig: RoutingRig, _ name: String) throws -> Bool {
      try waitUntil(timeout: 15) { try rig.defaultSink() == name }
    }
  }
}
