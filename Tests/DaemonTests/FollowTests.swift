import AudioIO
import Control
import Glibc
import OpusCodec
import TestSupport
import Testing

extension DaemonTests {
  /// Sessions that follow the default while our own sink is it.
  @Suite(.serialized) struct FollowTests {
    /// From now on the tone comes, and is in each of 150 packets that follow each other.
    static func isHeard(_ recorder: PacketRecorder, _ codec: OpusConfiguration) -> Bool {
      let first = recorder.count
      return waitUntil(timeout: 15) {
        guard recorder.count >= first + 150 else { return false }
        return (try? recorder.recording.peaks(codec).suffix(150))?.allSatisfy { $0 > 0.05 } ?? false
      }
    }

    private struct Rig {
      let server: PrivatePipeWire
      let daemon: DaemonUnderTest
      let recorder: PacketRecorder
      let codec: OpusConfiguration
      let tone: TonePlayer

      /// A session that hears a tone.
      init(_ arguments: JSONObject = [:]) throws {
        server = try PrivatePipeWire()
        daemon = try DaemonUnderTest(on: server)
        recorder = try PacketRecorder()
        codec = try daemon.open(recorder, arguments)
        tone = try TonePlayer(server)
        try #require(isHeard(), "\(daemon.log)")
      }

      func isHeard() -> Bool { FollowTests.isHeard(recorder, codec) }

      func device(_ name: String) throws -> Bool {
        try waitUntil(timeout: 10) { try daemon.session()["device"]?.stringValue == name }
      }

      func open(_ mode: String, name: String = "other") throws {
        _ = try daemon.client.request(
          "session.open", ["to": "127.0.0.1:9", "host_audio": .string(mode), "name": .string(name)])
      }

      func close(_ name: String = "other") throws {
        _ = try daemon.client.request("session.close", ["session": .string(name)])
      }

      /// Nothing a client could stumble over, and no hole longer than players take to move, as packets count it.
      func expectOneStream(moves: Int) throws {
        let all = recorder.recording
        #expect(all.sources.count == 1 && all.malformed == 0)
        #expect(all.sequenceBreaks.isEmpty)
        #expect(all.skips.values.allSatisfy { $0 > 0 && $0 % 240 == 0 }, "\(all.skips)")
        #expect(all.markersAreRight)
        let peaks = try all.peaks(codec)
        let start = try #require(peaks.firstIndex { $0 > 0.05 })
        var (hole, holes) = (0, [Int]())
        for index in start..<peaks.count {
          let skipped = (all.skips[index] ?? 0) / 240
          if peaks[index] > 0.05 {
            if hole + skipped > 0 { holes.append(hole + skipped) }
            hole = 0
          } else {
            hole += 1 + skipped
          }
        }
        #expect(holes.reduce(0, +) <= moves * 60, "packets without sound: \(holes)")
      }
    }

    /// Somebody else mutes the host and stops doing so: who kept it hears on.
    @Test func aKeptSessionHearsWhatPlaysThroughMute() throws {
      let rig = try Rig(["name": "kept"])
      for _ in 0..<2 {
        try rig.open("mute")
        #expect(try rig.device("streamd"))
        #expect(rig.isHeard(), "\(rig.daemon.log)")
        #expect(try rig.daemon.status()["problems"]?.arrayValue?.isEmpty == true)
        try rig.close()
        #expect(try rig.device(PrivatePipeWire.sinkName))
        #expect(rig.isHeard(), "\(rig.daemon.log)")
      }
      try rig.expectOneStream(moves: 4)
    }

    @Test func aSessionThatIsOpenedDuringMuteHearsItToo() throws {
      let rig = try Rig(["name": "muting", "host_audio": "mute"])
      let recorder = try PacketRecorder()
      let codec = try rig.daemon.open(recorder, ["name": "kept"])
      #expect(Self.isHeard(recorder, codec))
      try rig.close("muting")
      #expect(try rig.device(PrivatePipeWire.sinkName))
      #expect(Self.isHeard(recorder, codec))
      #expect(recorder.recording.sequenceBreaks.isEmpty && recorder.recording.sources.count == 1)
    }

    /// Nobody took a lease: the user made our sink the default by hand.
    @Test func theUsersOwnChoiceOfOurSinkIsFollowed() throws {
      let rig = try Rig(["name": "kept"])
      let named = try PacketRecorder()
      try rig.daemon.open(named, ["name": "named", "target": .string("sink:" + PrivatePipeWire.sinkName)])
      try rig.open("virtual_only")
      #expect(try waitUntil(timeout: 10) { try rig.server.nodes().contains("streamd") })
      try rig.server.setDefaultSink("streamd")
      #expect(try rig.device("streamd"))
      #expect(rig.isHeard())
      // Who named a sink stays there.
      let sessions = try rig.daemon.status()["sessions"]?.arrayValue ?? []
      #expect(sessions.first { $0["name"] == "named" }?["device"]?.stringValue == PrivatePipeWire.sinkName)
      try rig.server.setDefaultSink(PrivatePipeWire.sinkName)
      #expect(try rig.device(PrivatePipeWire.sinkName))
      #expect(rig.isHeard())
      try rig.expectOneStream(moves: 2)
    }
  }
}
