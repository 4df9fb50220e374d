import AudioCore
import Control
import Glibc
import TestSupport
import Testing

extension DaemonTests {
  /// Profiles and routes of a running daemon, judged by links and by sound.
  @Suite(.serialized) struct RoutingTests {
    private static let processed = "streamd.processed"

    /// Every way a stream can go, and back to where it was.
    @Test func aStreamGoesWhereItIsSentAndBack() throws {
      let rig = try RoutingRig(profiles: [
        "test": """
        name = "test"
        [agc]
        enabled = false
        [compressor]
        enabled = false
        [limiter]
        ceiling_dbtp = -0.5
        [buses.quiet]
        description = "Softer"
        [[buses.quiet.nodes]]
        kind = "gain"
        args = { gain = -12.0 }
        """
      ])
      let tone = try TonePlayer(rig.server)
      #expect(try rig.plays(to: PrivatePipeWire.sinkName))
      #expect(try rig.ask("route.list")["current"] == [])
      #expect(try rig.ask("profile.use", ["name": "test"])["name"] == "test")
      #expect(try rig.plays(to: Self.processed), "\(rig.daemon.log)")
      #expect(try rig.reaches(-20))

      try rig.ask("route.set", ["app": "TON?", "to": "bus:quiet"])
      #expect(try rig.plays(to: "streamd.bus.quiet"), "\(rig.daemon.log)")
      #expect(try rig.reaches(-32))
      #expect(try rig.row()?["reason"] == "set for TON?")

      try rig.ask("bypass.set", ["enabled": true])
      #expect(try rig.plays(to: PrivatePipeWire.sinkName))
      #expect(try rig.reaches(-20))
      try rig.ask("bypass.set", ["enabled": false])
      #expect(try rig.plays(to: "streamd.bus.quiet"))

      try rig.ask("route.unset", ["app": "TON?"])
      #expect(try rig.plays(to: Self.processed))
      let node = try #require(try rig.row()?["node_id"])
      try rig.ask("route.stream", ["node_id": node, "to": "bypass"])
      #expect(try rig.plays(to: PrivatePipeWire.sinkName))
      try rig.ask("route.stream", ["node_id": node, "to": "processed"])
      #expect(try rig.plays(to: Self.processed))

      try rig.ask("profile.off")
      #expect(try rig.plays(to: PrivatePipeWire.sinkName))
      #expect(try waitUntil(timeout: 10) { try rig.targets().isEmpty })
      #expect(try waitUntil(timeout: 10) { try !rig.server.nodes().contains { $0.hasPrefix("streamd.processed") } })
      #expect(try rig.reaches(-20))
      _ = tone
    }

    /// A profile's ceiling is the one that is heard, also when the look-ahead is another.
    @Test func aProfileMovesTheCeiling() throws {
      let rig = try RoutingRig()
      let tone = try TonePlayer(rig.server, amplitude: 0.98)
      for key in ["agc.enabled", "compressor.enabled", "limiter.soft.enabled"] {
        try rig.ask("setting.set", ["key": .string(key), "value": false])
      }
      for name in ["default", "quiet-hours", "default", "night", "quiet-hours"] {
        try rig.ask("profile.use", ["name": .string(name)])
        #expect(try rig.plays(to: Self.processed))
        let ceiling = try #require(try rig.ask("setting.get", ["key": "limiter.ceiling_dbtp"])["value"]?.doubleValue)
        if name == "quiet-hours" { #expect(ceiling == -6) }
        // The tone itself is at -0.2.
        #expect(try rig.reaches(min(ceiling, -0.2)), "\(name)")
      }
      _ = tone
    }

    /// Mono and surround players, on a surround sink, keep their channels.
    @Test(arguments: [(ChannelLayout.mono, 6), (.surround51, 6)])
    func playersOfOtherChannels(layout: ChannelLayout, channels: Int) throws {
      let rig = try RoutingRig(sinkChannels: channels)
      let tone = try TonePlayer(rig.server, layout: layout)
      try rig.ask("profile.use", ["name": "transparent"])
      let count = layout.count == 1 ? 1 : channels
      #expect(
        try waitUntil(timeout: 10) {
          let links = try rig.server.links().filter { $0.output.hasPrefix("tone:") }
          return [count, channels].contains(links.count)
            && links.allSatisfy { $0.input.hasPrefix(Self.processed + ":") }
        })
      #expect(try rig.reaches(-20), "\(rig.daemon.log)")
      let bus = try #require(try rig.ask("status")["buses"]?[0])
      #expect(bus["channels"]?.arrayValue?.count == channels)
      _ = tone
    }

    /// What is set holds at once, under another profile, and after a restart; what is cleared is gone.
    @Test func settingsHold() throws {
      let rig = try RoutingRig()
      let tone = try TonePlayer(rig.server)
      try rig.ask("profile.use", ["name": "transparent"])
      #expect(try rig.plays(to: Self.processed))
      #expect(try rig.reaches(-20))
      #expect(try rig.ask("setting.set", ["key": "limiter.ceiling_dbtp", "value": -24])["value"] == -24.0)
      #expect(try rig.reaches(-24))
      try rig.ask("profile.use", ["name": "bypass-all"])
      try rig.ask("profile.use", ["name": "transparent"])
      #expect(try rig.ask("setting.get", ["key": "limiter.ceiling_dbtp"])["value"] == -24.0)
      try rig.ask("route.set", ["app": "somebody", "to": "exclude"])
      #expect(rig.daemon.stop() == 0)
      #expect(try rig.plays(to: PrivatePipeWire.sinkName))
      try rig.restart()
      #expect(try rig.ask("status")["profile"] == "transparent")
      #expect(try rig.ask("route.list")["overrides"] == [["app": "somebody", "to": "exclude"]])
      #expect(try rig.plays(to: Self.processed), "\(rig.daemon.log)")
      #expect(try rig.reaches(-24))
      #expect(try rig.ask("setting.reset")["cleared"] == 1)
      #expect(try rig.reaches(-20))
      _ = tone
    }

    /// A saved file takes effect by itself; one that is broken changes nothing and says where.
    @Test func filesAreReadAgainWhenTheyAreSaved() throws {
      let rig = try RoutingRig()
      let tone = try TonePlayer(rig.server)
      func text(_ gain: Double, _ kind: String = "gain") -> String {
        "name = \"own\"\n[[nodes]]\nkind = \"\(kind)\"\nargs = { gain = \(gain) }\n"
      }
      // In a folder that did not exist when the daemon began.
      try rig.write(text(-6), "own")
      #expect(
        try waitUntil(timeout: 10) {
          try rig.ask("profile.list")["profiles"]?.arrayValue?.contains { $0["name"] == "own" } ?? false
        })
      try rig.ask("profile.use", ["name": "own"])
      #expect(try rig.reaches(-26), "\(rig.daemon.log)")
      try rig.write(text(-12), "own")
      #expect(try rig.reaches(-32))
      try rig.write(text(-3, "gian"), "own")
      #expect(
        try waitUntil(timeout: 10) {
          try rig.ask("profile.list")["warnings"]?.arrayValue?.contains {
            let text = $0.stringValue ?? ""
            return text.contains("own.toml:3") && text.contains("gian") && text.contains("gain")
          } ?? false
        }, "\(rig.daemon.log)")
      #expect(try rig.reaches(-32))
      _ = tone
    }

    /// What is excluded is heard at the host and by no client; a client may hear some applications only, or all but some.
    @Test func clientsHearWhatTheyMay() throws {
      let rig = try RoutingRig()
      let game = try TonePlayer(rig.server, frequency: 997, name: "game")
      let chat = try TonePlayer(rig.server, frequency: 3001, name: "chat")
      try rig.ask("profile.use", ["name": "transparent"])
      #expect(try rig.plays("game", to: Self.processed))
      #expect(try rig.plays("chat", to: Self.processed))

      func hears(_ target: String?, _ wanted: Set<Double>) throws -> Bool {
        let recorder = try PacketRecorder()
        var arguments: JSONObject = ["name": "listener", "capture_mode": "streams"]
        if let target { arguments["target"] = .string(target) }
        let codec = try rig.daemon.open(recorder, arguments)
        defer { _ = try? rig.ask("session.close", ["session": "listener"]) }
        return try waitUntil(timeout: 10) {
          let first = recorder.count
          guard waitUntil(timeout: 5, { recorder.count > first + 100 }) else { return false }
          let sound = try recorder.recording.decoded(codec)[0].suffix(9600)
          return [997.0, 3001.0].allSatisfy { frequency in
            let level = ToneAnalysis.level(of: frequency, in: Array(sound), rate: 48_000)
            return wanted.contains(frequency) ? abs(level + 20) < 2 : level < -60
          }
        }
      }
      #expect(try hears(nil, [997, 3001]), "\(rig.daemon.log)")
      #expect(try hears("app:game", [997]))
      #expect(try hears("desktop minus app:node_name=ga*", [3001]))
      try rig.ask("route.set", ["app": "chat", "to": "exclude"])
      #expect(try rig.plays("chat", to: PrivatePipeWire.sinkName))
      #expect(try hears(nil, [997]), "\(rig.daemon.log)")
      #expect(try abs(rig.level(of: 3001) + 20) < 0.5)
      _ = (game, chat)
    }

    /// A session that mutes the host hears what a profile would have taken elsewhere; when it goes the profile is back.
    @Test func aSessionThatMutesTheHostHearsAll() throws {
      let rig = try RoutingRig()
      let tone = try TonePlayer(rig.server)
      try rig.ask("profile.use", ["name": "transparent"])
      #expect(try rig.plays(to: Self.processed))
      let recorder = try PacketRecorder()
      let codec = try rig.daemon.open(recorder, ["name": "mute", "host_audio": "mute"])
      #expect(try rig.plays(to: "streamd"), "\(rig.daemon.log)")
      #expect(FollowTests.isHeard(recorder, codec))
      try rig.ask("session.close", ["session": "mute"])
      #expect(try rig.plays(to: Self.processed), "\(rig.daemon.log)")
      _ = tone
    }

    /// SIGKILL while everything is ours: the clean-up gives streams back, and the next daemon goes on.
    @Test func whatAKilledDaemonLeftIsUndone() throws {
      let rig = try RoutingRig()
      let tone = try TonePlayer(rig.server)
      try rig.ask("profile.use", ["name": "transparent"])
      #expect(try rig.plays(to: Self.processed))
      #expect(try !rig.targets().isEmpty)
      rig.daemon.signal(SIGKILL)
      _ = rig.daemon.wait()
      var environment = rig.server.environment
      environment["XDG_STATE_HOME"] = rig.state.path
      environment["XDG_CONFIG_HOME"] = rig.config.path
      let cleaned = try Child.run(
        [Products.streamd, "--cleanup", "--remote", rig.server.remote], environment: environment, timeout: 20)
      #expect(cleaned.status == 0, "\(cleaned)")
      #expect(try rig.targets().isEmpty, "\(cleaned)")
      #expect(try rig.plays(to: PrivatePipeWire.sinkName))
      try rig.restart()
      #expect(try rig.plays(to: Self.processed), "\(rig.daemon.log)")
      try rig.ask("profile.off")
      _ = tone
    }

    /// An application that is too loud is lowered by its own volume, and has that back in the end.
    @Test func anApplicationIsLowered() throws {
      let rig = try RoutingRig(profiles: [
        "levels": """
        name = "levels"
        [default_route]
        route = "bypass"
        [per_app]
        enabled = true
        [[per_app.rules]]
        match = { node_name = ["tone"] }
        rms_target_db = -35
        rms_window_ms = 100
        max_cut_db = 9
        """
      ])
      let tone = try TonePlayer(rig.server)
      try rig.ask("profile.use", ["name": "levels"])
      #expect(try rig.reaches(-29), "\(rig.daemon.log)")
      let kept = try #require(try rig.ask("per-app.list")["layer_a"]?[0])
      #expect(abs((kept["reduction_db"]?.doubleValue ?? 0) - 9) < 0.5)
      try rig.ask("per-app.set", ["app": "tone", "enabled": false])
      #expect(try rig.reaches(-20))
      try rig.ask("per-app.set", ["app": "tone", "enabled": true])
      #expect(try rig.reaches(-29))
      try rig.ask("per-app.master", ["enabled": false])
      #expect(try rig.reaches(-20))
      _ = tone
    }

    /// Nothing that is wrong changes anything, and each says what would be right.
    @Test func badWordsAreRefused() throws {
      let rig = try RoutingRig()
      try rig.ask("profile.use", ["name": "transparent"])
      let before = try rig.ask("setting.list")
      let wrong: [(String, JSONObject, String, String)] = [
        ("profile.use", ["name": "transparnt"], "not_found", "transparent"),
        ("setting.set", ["key": "limiter.ceilin_dbtp", "value": -1], "not_found", "limiter.ceiling_dbtp"),
        ("setting.set", ["key": "limiter.ceiling_dbtp", "value": 3], "bad_args", "-60"),
        ("setting.set", ["key": "agc.enabled", "value": "perhaps"], "bad_args", "boolean"),
        ("route.set", ["app": "x", "to": "sideways"], "bad_args", "processed"),
        ("route.set", ["app": "x", "to": "bus:nowhere"], "not_found", "nowhere"),
        ("route.unset", ["app": "x"], "not_found", "x"),
        ("route.stream", ["node_id": 999_999, "to": "bypass"], "not_found", "999999"),
        ("per-app.reset", ["node_id": 999_999], "not_found", "999999"),
      ]
      for (verb, arguments, code, text) in wrong {
        do {
          _ = try rig.ask(verb, arguments)
          Issue.record("\(verb) \(arguments.count) was taken")
        } catch let error as ControlClientError {
          #expect("\(error)".contains(text), "\(verb): \(error)")
          guard case .refused(let refusal) = error else { continue }
          #expect(refusal.code.rawValue == code, "\(verb): \(error)")
        }
      }
      #expect(try rig.ask("setting.list") == before)
    }
  }
}
