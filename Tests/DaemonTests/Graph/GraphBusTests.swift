import AudioCore
import Control
import Glibc
import OpusCodec
import TestSupport
import Testing

extension DaemonTests {
  /// Sessions hear what the graph makes; the graph hears the desktop and the clients.
  @Suite(.serialized) struct GraphBusTests {
    /// A session that chose nothing hears the desktop, the graph while that feeds `main`, and the desktop again.
    @Test func theGraphTakesMain() throws {
      let server = try PrivatePipeWire(sinkChannels: 2)
      let daemon = try DaemonUnderTest(on: server)
      let player = try TonePlayer(server, frequency: 440)
      defer { player.stop() }
      let recorder = try PacketRecorder()
      let codec = try daemon.open(recorder)
      try daemon.waitUntilHearing()
      let desktop = try heard(440, recorder, codec)
      #expect(desktop > -30, "\(desktop) dBFS")
      try commit(
        daemon,
        [
          ["op": "create_node", "type": "tone", "name": "t", "args": ["frequency": 997, "level": -20]],
          ["op": "create_node", "type": "stream_sink", "name": "s"], ["op": "connect", "from": "t", "to": "s"],
        ])
      // Nothing runs yet: the desktop is heard on.
      #expect(try daemon.session()["bus"] == "")
      _ = try daemon.client.request("start")
      #expect(try waitUntil(timeout: 10) { try daemon.session()["bus"] == "main" })
      let graph = try heard(997, recorder, codec, none: 440)
      measured("tone of the graph in a session", graph, "dBFS")
      #expect(abs(graph + 20) < 0.2, "\(graph) dBFS")
      #expect(try daemon.session()["state"] == "live")
      _ = try daemon.client.request("destroy_node", ["id": "s"])
      #expect(try waitUntil(timeout: 10) { try daemon.session()["bus"] == "" })
      let back = try heard(440, recorder, codec, none: 997)
      #expect(abs(back - desktop) < 0.2, "\(desktop), \(back) dBFS")
      #expect(recorder.recording.sequenceBreaks.isEmpty && recorder.recording.sources.count == 1)
    }

    /// A bus by name: silence with a reason while nothing feeds it, the desktop at half once something does.
    @Test func aSessionPicksItsBus() throws {
      let server = try PrivatePipeWire(sinkChannels: 2)
      let daemon = try DaemonUnderTest(on: server)
      let player = try TonePlayer(server, frequency: 440)
      defer { player.stop() }
      let reference = try PacketRecorder()
      let codec = try daemon.open(reference)
      let recorder = try PacketRecorder()
      _ = try daemon.open(recorder, ["bus": "sofa"])
      let session = try #require(try daemon.status()["sessions"]?[1])
      #expect(session["target"] == "bus:sofa" && session["reason_code"] == "no_source", "\(session)")
      #expect(try daemon.status()["state"] == "degraded")
      try commit(
        daemon,
        [
          ["op": "create_node", "type": "desktop_capture", "name": "desktop"],
          ["op": "create_node", "type": "gain", "name": "half", "args": ["gain": -6]],
          ["op": "create_node", "type": "stream_sink", "name": "s", "args": ["bus": "sofa"]],
          ["op": "connect", "from": "desktop", "to": "half"], ["op": "connect", "from": "half", "to": "s"],
        ])
      _ = try daemon.client.request("start")
      let whole = try heard(440, reference, codec)
      var half = -200.0
      // The capture has its place beside the graph's clock once it has flowed for a moment.
      for _ in 0..<10 {
        half = try heard(440, recorder, codec)
        if abs(half - whole + 6) < 0.2 { break }
      }
      measured("the desktop through a gain of -6 dB", half - whole, "dB")
      #expect(abs(half - whole + 6) < 0.2, "\(whole), \(half) dBFS")
      #expect(try waitUntil(timeout: 5) { try daemon.status()["state"] == "ok" })
      _ = try daemon.client.request("stop")
      #expect(try waitUntil(timeout: 5) { try daemon.status()["state"] == "degraded" })
      #expect(try daemon.status()["problems"]?[0]?["message"] == "the graph does not run")
    }

    /// What cannot be is said, and nothing has changed.
    @Test func badInputIsNamed() throws {
      let server = try PrivatePipeWire(sinkChannels: 2)
      let daemon = try DaemonUnderTest(on: server)
      func refusal(_ verb: String, _ arguments: JSONObject) -> ControlError? {
        do { _ = try daemon.client.request(verb, arguments) } catch ControlClientError.refused(let error) {
          return error
        } catch {}
        return nil
      }
      let both = refusal("session.open", ["to": "127.0.0.1:9", "bus": "b", "target": "default-sink"])
      #expect(both?.code == .badArgs && both?.path == "bus", "\(String(describing: both))")
      #expect(refusal("session.open", ["to": "127.0.0.1:9", "bus": ""])?.path == "bus")
      _ = try daemon.client.request("create_node", ["type": "stream_sink", "name": "one"])
      #expect(refusal("create_node", ["type": "stream_sink", "name": "two"])?.detail == "bus_in_use")
      // A graph that would hear itself.
      _ = try daemon.client.request("create_node", ["type": "desktop_capture", "name": "desktop"])
      _ = try daemon.client.request("create_node", ["type": "device_sink", "name": "out"])
      #expect(refusal("connect", ["from": "desktop", "to": "out"])?.detail == "feedback")
      _ = try daemon.client.request("destroy_node", ["id": "desktop"])
      let own: JSONObject = ["type": "desktop_capture", "name": "desktop", "args": ["mode": "streams"]]
      _ = try daemon.client.request("create_node", own)
      _ = try daemon.client.request("connect", ["from": "desktop", "to": "out"])
      #expect(try daemon.client.request("list")["nodes"]?.arrayValue?.count == 3)
    }

    /// Each client's bus has everybody's voice but that client's own; an application records all of them, made louder.
    @Test func nobodyHearsHimself() throws {
      let field = try MicField()
      let anna = try field.openSealed(["name": "anna"])
      let ben = try field.openSealed(["name": "ben", "port": JSON(Int(anna.wire.port))])
      let voices = try [
        MicVoice(anna.wire, sound: MicVoice.tone(997)), MicVoice(ben.wire, sound: MicVoice.tone(1499)),
      ]
      defer { for voice in voices { voice.stop() } }
      for id in [anna.id, ben.id] { try field.waitUntilHeard(id) }
      var edits: [JSON] = [
        ["op": "create_node", "type": "client_mic", "name": "all"],
        ["op": "create_node", "type": "gain", "name": "louder", "args": ["gain": 6, "channels": 1]],
        ["op": "create_node", "type": "virtual_mic", "name": "loud", "args": ["name": "loud-mic"]],
        ["op": "connect", "from": "all", "to": "louder"], ["op": "connect", "from": "louder", "to": "loud"],
      ]
      for name in ["anna", "ben"] {
        edits += [
          [
            "op": "create_node", "type": "client_mic", "name": .string("without-\(name)"),
            "args": ["except": .string(name), "channels": 1],
          ],
          [
            "op": "create_node", "type": "stream_sink", "name": .string("to-\(name)"),
            "args": ["bus": .string(name), "channels": 1],
          ], ["op": "connect", "from": .string("without-\(name)"), "to": .string("to-\(name)")],
        ]
      }
      let daemon = try #require(field.daemon)
      try commit(daemon, .array(edits))
      _ = try daemon.client.request("start")
      for (name, hears, not) in [("anna", 1499.0, 997.0), ("ben", 997, 1499)] {
        let recorder = try PacketRecorder()
        let codec = try daemon.open(recorder, ["bus": .string(name), "channels": 1, "bitrate": 128_000])
        let level = try heard(hears, recorder, codec, none: not)
        #expect(abs(level + 20) < 0.5, "\(name): \(level) dBFS")
        let own = ToneAnalysis.level(of: not, in: try recorder.recording.decoded(codec)[0], rate: 48_000)
        measured("\(name)'s own voice in \(name)'s mix", own, "dBFS")
        #expect(own < -70)
      }
      let tail = try RecordedTail(field.server, source: "loud-mic")
      defer { tail.stop() }
      var levels: [Double] = []
      #expect(
        waitUntil(timeout: 10) {
          let sound = tail.next(seconds: 0.5)
          levels = [997, 1499].map { sound.usualLevel(of: $0) }
          return levels.allSatisfy { abs($0 + 14) < 0.5 }
        }, "\(levels)")
      _ = try daemon.client.request("destroy_node", ["id": "loud"])
      #expect(try waitUntil(timeout: 10) { try !field.server.nodes().contains("loud-mic") })
    }

    private func commit(_ daemon: DaemonUnderTest, _ edits: JSON) throws {
      _ = try daemon.client.request("commit", ["edits": edits])
    }

    /// A tone's level in a second of what a client has just got, once another tone is no longer in it.
    private func heard(
      _ frequency: Double, _ recorder: PacketRecorder, _ codec: OpusConfiguration, none other: Double? = nil
    ) throws -> Double {
      var level = -200.0
      for _ in 0..<10 {
        let start = recorder.count
        try #require(waitUntil(timeout: 10) { recorder.count >= start + 240 })
        let sound = try recorder.recording.decoded(codec)[0].suffix(48_000)
        level = Array(sound).usualLevel(of: frequency)
        let rest = other.map { ToneAnalysis.level(of: $0, in: Array(sound), rate: 48_000) } ?? -200
        if level > -40, rest < -60 { return level }
      }
      return level
    }
  }
}
