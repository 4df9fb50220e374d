import AudioIO
import Control
import Glibc
import OpusCodec
import TestSupport
import Testing

extension DaemonTests {
  /// Our own sink is the default, and the sink that was plays along.
  @Suite(.serialized) struct MirrorTests {
    private struct Rig {
      let server: PrivatePipeWire
      let daemon: DaemonUnderTest
      let recorder: PacketRecorder
      let codec: OpusConfiguration
      let tone: TonePlayer
      let before: (links: Set<PortLink>, configured: String, volume: String)

      init(sinkChannels: Int = 2) throws {
        server = try PrivatePipeWire(sinkChannels: sinkChannels)
        daemon = try DaemonUnderTest(on: server)
        recorder = try PacketRecorder()
        tone = try TonePlayer(server)
        let server = server
        before = (try Self.toneLinks(server), try Self.configured(server), try Self.volume(server))
        codec = try daemon.open(recorder, ["host_audio": "mirror", "name": "mirror"])
      }

      /// Where the session manager has the tone play; the capture beside a sink is linked to it as well.
      static func toneLinks(_ server: PrivatePipeWire) throws -> Set<PortLink> {
        try server.links().filter { $0.output.hasPrefix("tone:") && !$0.input.hasPrefix("streamd.capture:") }
      }
      static func configured(_ server: PrivatePipeWire) throws -> String {
        try server.run(["pw-metadata", "0", "default.configured.audio.sink"]).standardOutput
      }
      static func volume(_ server: PrivatePipeWire) throws -> String {
        try server.run(["wpctl", "get-volume", "@DEFAULT_AUDIO_SINK@"]).standardOutput
      }

      func copy() throws -> JSON? {
        let captures = try daemon.status()["captures"]?.arrayValue ?? []
        return captures.first { $0["target"] == "sink:streamd" }?["copy"]
      }

      /// Cycles that the machine took from the player, our sink or the copy.
      func mishaps() throws -> Int {
        let captures = try daemon.status()["captures"]?.arrayValue ?? []
        let own = captures.first { $0["target"] == "sink:streamd" }
        return tone.misses.count + (own?["missed_cycles"]?.intValue ?? 0)
          + (own?["copy"]?["missed_cycles"]?.intValue ?? 0)
      }

      func copyPlays(into sink: String) throws -> Bool {
        try waitUntil(timeout: 10) {
          try copy()?["device"]?.stringValue == sink
            && server.links().contains { $0.output.hasPrefix("streamd.copy:") && $0.input.hasPrefix(sink + ":") }
        }
      }

      func isPlayed(into sink: String) throws -> Bool {
        try waitUntil(timeout: 10) {
          let links = try Self.toneLinks(server)
          return !links.isEmpty && links.allSatisfy { $0.input.hasPrefix(sink + ":") }
        }
      }

      func close(_ name: String) throws {
        _ = try daemon.client.request("session.close", ["session": .string(name)])
      }
    }

    /// The tone's level at a sink, and where it is not steady.
    private func listen(_ server: PrivatePipeWire, to sink: String = PrivatePipeWire.sinkName, seconds: Double = 2)
      throws -> (level: Double, breaks: [SineBreak], missed: Int)
    {
      let listener = try SinkListener(server, to: sink)
      let heard = listener.record(seconds: seconds)
      try #require(heard.count >= 24_000, "only \(heard.count) frames were played")
      return (
        ToneAnalysis.level(of: 997, in: heard, rate: 48_000), SineContinuity(frequency: 997).breaks(in: heard),
        listener.missed
      )
    }

    @Test func theRealSinkPlaysAlongAndAllIsGivenBack() throws {
      let rig = try Rig()
      #expect(try rig.daemon.session()["host_audio"] == "mirror")
      #expect(try rig.isPlayed(into: "streamd"), "\(rig.daemon.log)")
      #expect(try rig.copyPlays(into: PrivatePipeWire.sinkName), "\(rig.daemon.log)")
      #expect(try waitUntil(timeout: 10) { try rig.daemon.session()["device"] == "streamd" })
      usleep(300_000)
      let before = try rig.mishaps()
      let played = try listen(rig.server)
      #expect(abs(played.level + 20) < 0.5)
      // A break is a cycle that somebody missed and counted, or a fault.
      #expect(try played.breaks.isEmpty || played.missed + rig.mishaps() > before, "\(played.breaks)")
      #expect(FollowTests.isHeard(rig.recorder, rig.codec))
      // Nothing but the real sink gets the copy, and nothing of ours comes back to our sink.
      let links = try rig.server.links()
      let copied = links.filter { $0.output.hasPrefix("streamd.copy:") }
      #expect(copied.allSatisfy { $0.input.hasPrefix(PrivatePipeWire.sinkName + ":") })
      #expect(links.filter { $0.input.hasPrefix("streamd:") }.allSatisfy { $0.output.hasPrefix("tone:") })
      let copy = try #require(try rig.copy())
      #expect(copy["underruns"] == 0 && copy["overruns"] == 0, "\(copy)")

      try rig.close("mirror")
      #expect(try waitUntil(timeout: 15) { try Rig.toneLinks(rig.server) == rig.before.links })
      #expect(try waitUntil(timeout: 15) { try Rig.configured(rig.server) == rig.before.configured })
      #expect(try waitUntil(timeout: 15) { try !rig.server.nodes().contains("streamd.copy") })
      #expect(try Rig.volume(rig.server) == rig.before.volume)
      #expect(try waitUntil(timeout: 15) { try !rig.server.nodes().contains("streamd") })
      #expect(rig.recorder.recording.sequenceBreaks.isEmpty)
    }

    /// Who asks for silence gets it, for as long as it lasts.
    @Test func aMutingSessionSilencesTheCopy() throws {
      let rig = try Rig()
      #expect(try rig.copyPlays(into: PrivatePipeWire.sinkName), "\(rig.daemon.log)")
      _ = try rig.daemon.client.request(
        "session.open", ["to": "127.0.0.1:9", "host_audio": "mute", "name": "mute"])
      #expect(try waitUntil(timeout: 10) { try !rig.server.nodes().contains("streamd.copy") })
      #expect(FollowTests.isHeard(rig.recorder, rig.codec))
      try rig.close("mute")
      #expect(try rig.copyPlays(into: PrivatePipeWire.sinkName), "\(rig.daemon.log)")
      #expect(try rig.isPlayed(into: "streamd"))
      #expect(try listen(rig.server, seconds: 1).level > -21)
    }

    /// The user moves to headphones of six channels: the session follows, and once our sink is the default again the
    /// headphones play along.
    @Test func theCopyFollowsTheUsersChoice() throws {
      let rig = try Rig()
      #expect(try rig.isPlayed(into: "streamd"))
      try rig.server.createSink("headphones", channels: 6)
      try rig.server.setDefaultSink("headphones")
      #expect(try rig.copyPlays(into: "headphones"), "\(rig.daemon.log)")
      #expect(try rig.isPlayed(into: "headphones"))
      #expect(FollowTests.isHeard(rig.recorder, rig.codec), "\(rig.daemon.log)")
      try rig.server.setDefaultSink("streamd")
      #expect(try rig.isPlayed(into: "streamd"))
      #expect(FollowTests.isHeard(rig.recorder, rig.codec), "\(rig.daemon.log)")
      #expect(try listen(rig.server, to: "headphones", seconds: 1).level > -21)
      let links = try rig.server.links()
      #expect(links.count { $0.output.hasPrefix("streamd.copy:") } == 6)
    }

    /// Somebody links the copy to our own sink by hand: the sound must not go round.
    @Test func theCopyCannotBeFedBack() throws {
      let rig = try Rig()
      #expect(try rig.copyPlays(into: PrivatePipeWire.sinkName), "\(rig.daemon.log)")
      for _ in 0..<3 {
        let made = try rig.server.run(["pw-link", "streamd.copy:output_FL", "streamd:playback_FL"])
        #expect(made.status == 0, "\(made.standardError)")
        #expect(
          try waitUntil(timeout: 5) {
            try !rig.server.links().contains(PortLink(output: "streamd.copy:output_FL", input: "streamd:playback_FL"))
          })
      }
      #expect(try rig.copyPlays(into: PrivatePipeWire.sinkName))
      #expect(FollowTests.isHeard(rig.recorder, rig.codec))
    }
  }
}
