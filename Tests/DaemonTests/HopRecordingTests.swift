import AudioCore
import Control
import Glibc
import OpusCodec
import TestSupport
import Testing

extension DaemonTests {
  /// Sound is recorded where it passes: at an encoder, at a tap, as a client's voice is decoded, and at each hop at once.
  @Suite(.serialized) struct HopRecordingTests {
    private func start(
      _ daemon: DaemonUnderTest, _ streams: [(uri: String, device: String)], in folder: TemporaryDirectory
    ) throws {
      let list = streams.map { stream -> JSON in
        [
          "uri": .string(stream.uri), "device": .string(stream.device),
          "path": .string(folder.path + "/" + stream.uri),
        ]
      }
      _ = try daemon.client.request("stream_start", ["streams": .array(list)], timeout: .seconds(30))
    }

    private func stream(_ daemon: DaemonUnderTest, _ uri: String) throws -> JSON {
      let streams = try daemon.client.request("stream_list")["streams"]?.arrayValue ?? []
      return streams.first { $0["uri"]?.stringValue == uri } ?? .null
    }

    private func wait(_ daemon: DaemonUnderTest, _ uris: [String], seconds: Double) throws {
      try #require(
        waitUntil(timeout: 20 + seconds) {
          try uris.allSatisfy { try (stream(daemon, $0)["seconds"]?.doubleValue ?? 0) >= seconds }
        }, "\(daemon.log.suffix(600))")
    }

    /// Its frames, interleaved.
    private func samples(_ folder: TemporaryDirectory, _ name: String) throws -> [Float] {
      let file = folder.path + "/\(name).raw"
      let cut = try Child.run([
        "sh", "-c", "exec \"$0\" record slice \"$1\" --last 3600 --gaps silence > \"$2\"", Products.streamctl,
        folder.path + "/" + name, file,
      ])
      try #require(cut.status == 0, "\(cut.standardError)")
      guard let input = fopen(file, "r") else { throw SupportError(file) }
      defer { fclose(input) }
      var result: [Float] = []
      var part = [Float](repeating: 0, count: 4096)
      while true {
        let count = fread(&part, 4, part.count, input)
        guard count > 0 else { return result }
        result += part[..<count]
      }
    }

    private func channel(_ samples: [Float], _ index: Int = 0, of count: Int = 2) -> [Float] {
      stride(from: index, to: samples.count, by: count).map { samples[$0] }
    }

    /// To the bit what was captured, some frames later; at its own gain; and with a hole once it is closed.
    @Test func whatAnEncoderIsGivenIsRecorded() throws {
      let server = try PrivatePipeWire(sinkChannels: 2)
      let daemon = try DaemonUnderTest(on: server)
      let player = try TonePlayer(server, frequency: 441.7)
      defer { player.stop() }
      let recorder = try PacketRecorder()
      _ = try daemon.open(recorder)
      try daemon.waitUntilHearing()
      let id = try #require(try daemon.session()["session"]?.stringValue ?? daemon.session()["id"]?.stringValue)
      let folder = try TemporaryDirectory()
      try start(daemon, [("capture", "desktop"), ("encoder", "session:" + id)], in: folder)
      try wait(daemon, ["capture", "encoder"], seconds: 0.7)
      _ = try daemon.client.request("session.update", ["session": .string(id), "gain_db": -12])
      try wait(daemon, ["capture", "encoder"], seconds: 1.5)
      _ = try daemon.client.request("session.close", ["session": .string(id)])
      #expect(
        try waitUntil(timeout: 5) { try stream(daemon, "encoder")["trouble"]?.stringValue?.contains("closed") == true },
        "\(daemon.log.suffix(600))")
      for uri in ["capture", "encoder"] {
        #expect(try daemon.client.request("stream_stop", ["uri": .string(uri)], timeout: .seconds(20))["saved"] == true)
      }
      let (capture, encoder) = (
        channel(try samples(folder, "capture")), channel(try samples(folder, "encoder"))
      )
      // On a machine that stands still silence is sent in the place of what is late: some piece came in time.
      let isAlike = stride(from: 4800, to: 28_800, by: 2400).contains { begin in
        let piece = encoder[begin..<(begin + 2400)]
        return (begin - 1000..<begin + 1000).contains { capture[$0..<($0 + 2400)].elementsEqual(piece) }
      }
      #expect(isAlike, "what the encoder was given is not what was captured")
      let before = ToneAnalysis.level(of: 441.7, in: encoder[9600..<19_200], rate: 48_000)
      let after = ToneAnalysis.level(of: 441.7, in: encoder[60_000..<69_600], rate: 48_000)
      #expect(abs(before - after - 12) < 0.1, "\(before), \(after)")
    }

    /// A tap that is made anew, and one that is gone.
    @Test func aTapOfTheGraphIsRecorded() throws {
      let server = try PrivatePipeWire(sinkChannels: 2)
      let daemon = try DaemonUnderTest(on: server)
      func commit(_ edits: JSON) throws { _ = try daemon.client.request("commit", ["edits": edits]) }
      try commit([
        ["op": "create_node", "type": "tone", "name": "t", "args": ["frequency": 997, "level": -20]],
        ["op": "create_node", "type": "tap", "name": "here"],
        ["op": "create_node", "type": "device_sink", "name": "out"],
        ["op": "connect", "from": "t", "to": "here"], ["op": "connect", "from": "here", "to": "out"],
      ])
      _ = try daemon.client.request("start")
      let folder = try TemporaryDirectory()
      #expect(throws: (any Error).self) { try start(daemon, [("x", "tap:there")], in: folder) }
      try start(daemon, [("tap", "tap:here")], in: folder)
      try wait(daemon, ["tap"], seconds: 0.5)
      _ = try daemon.client.request("destroy_node", ["id": "here"])
      #expect(try waitUntil(timeout: 5) { try stream(daemon, "tap")["state"] == "waiting" })
      // Longer than the blocks of any graph.
      usleep(300_000)
      try commit([
        ["op": "create_node", "type": "tap", "name": "here"], ["op": "connect", "from": "t", "to": "here"],
        ["op": "connect", "from": "here", "to": "out"],
      ])
      let before = try stream(daemon, "tap")["seconds"]?.doubleValue ?? 0
      try wait(daemon, ["tap"], seconds: before + 0.5)
      let last = try daemon.client.request("stream_stop", ["uri": "tap"], timeout: .seconds(20))
      #expect(last["stats"]?["gaps"] == 1 && last["stats"]?["dropped_frames"] == 0, "\(last)")
      let sound = channel(try samples(folder, "tap"))
      for part in [sound[4800..<14_400], sound.suffix(9600)] {
        let level = ToneAnalysis.level(of: 997, in: part, rate: 48_000)
        #expect(abs(level + 20) < 0.1, "\(level)")
      }
    }

    /// As it is decoded, and as applications record it; pauses are silence, not holes.
    @Test func aClientsVoiceIsRecorded() throws {
      let field = try MicField()
      let opened = try field.openSealed()
      let voice = try MicVoice(opened.wire)
      defer { voice.stop() }
      let folder = try TemporaryDirectory()
      try start(field.daemon, [("voice", "mic:" + opened.id), ("node", MicField.source)], in: folder)
      try wait(field.daemon, ["voice", "node"], seconds: 1)
      voice.mode = .quiet
      let quiet = try stream(field.daemon, "voice")["seconds"]?.doubleValue ?? 0
      try wait(field.daemon, ["voice"], seconds: quiet + 1)
      voice.mode = .talking
      let again = try stream(field.daemon, "voice")["seconds"]?.doubleValue ?? 0
      try wait(field.daemon, ["voice"], seconds: again + 0.7)
      for uri in ["voice", "node"] {
        let last = try field.daemon.client.request("stream_stop", ["uri": .string(uri)], timeout: .seconds(20))
        #expect(last["saved"] == true)
        if uri == "voice" { #expect(last["stats"]?["gaps"] == 0, "\(last)") }
      }
      let decoded = try samples(folder, "voice")
      let level = ToneAnalysis.level(of: 997, in: decoded[24_000..<38_400], rate: 48_000)
      #expect(abs(level + 20) < 0.3, "\(level)")
      // Where it was quiet there is nothing.
      let from = Int((quiet + 0.5) * 48_000)
      #expect(decoded[from..<(from + 12_000)].allSatisfy { abs($0) < 0.001 })
      #expect(abs(ToneAnalysis.level(of: 997, in: decoded.suffix(9600), rate: 48_000) + 20) < 0.5)
      let node = try samples(folder, "node")
      let levels = stride(from: 9600, to: 43_200, by: 4800).map { begin in
        ToneAnalysis.level(of: 997, in: node[begin..<(begin + 4800)], rate: 48_000)
      }
      #expect(levels.contains { abs($0 + 20) < 0.5 }, "\(levels)")
    }

    /// It is called otherwise when it comes back.
    @Test func aDeviceIsFollowedUnderAnotherName() throws {
      let server = try PrivatePipeWire()
      let daemon = try DaemonUnderTest(on: server)
      func plug(_ name: String) throws {
        try server.createNode(
          name, mediaClass: "Audio/Source", channels: 2, description: "Desk microphone",
          properties: ["device.serial": "M1", "device.profile.name": "analog-stereo"], factory: "audiotestsrc")
      }
      try plug("mic-0")
      #expect(try waitUntil(timeout: 10) { try daemon.client.request("device_list").text.contains("mic-0") })
      let folder = try TemporaryDirectory()
      try start(daemon, [("mic", "mic-0")], in: folder)
      try wait(daemon, ["mic"], seconds: 0.3)
      try server.destroyNode("mic-0")
      #expect(try waitUntil(timeout: 10) { try stream(daemon, "mic")["state"] != "recording" })
      try plug("mic-1")
      let before = try stream(daemon, "mic")["frames"]?.intValue ?? 0
      #expect(
        try waitUntil(timeout: 15) { (try stream(daemon, "mic")["frames"]?.intValue ?? 0) > before + 24_000 },
        "\(daemon.log.suffix(600))")
      let last = try daemon.client.request("stream_stop", ["uri": "mic"], timeout: .seconds(20))
      #expect(last["stats"]?["gaps"] == 1, "\(last)")
    }

    /// A graph that clicks is found out; sessions that open later are kept as well; a report has it all.
    @Test func aReportSaysWhereAClickWasBorn() throws {
      let server = try PrivatePipeWire(sinkChannels: 2)
      let daemon = try DaemonUnderTest(on: server)
      let folder = try TemporaryDirectory()
      let nothing = try daemon.streamctl(["report", "--out", folder.path + "/none"])
      #expect(nothing.status != 0 && nothing.standardError.contains("report arm"), "\(nothing)")
      let armed = try daemon.streamctl(["report", "arm", "--seconds", "20"])
      #expect(armed.status == 0 && armed.standardOutput.contains("capture"), "\(armed)")
      let file = folder.path + "/click.wav"
      _ = try Child.run([
        "ffmpeg", "-v", "error", "-f", "lavfi", "-i",
        "aevalsrc='0.1*sin(2*PI*440*t)+0.5*between(t,1.5,1.5001)':d=10:s=48000", "-ac", "2", "-c:a", "pcm_f32le", file,
      ])
      _ = try daemon.client.request(
        "commit",
        [
          "edits": [
            ["op": "create_node", "type": "file_source", "name": "f", "args": ["path": .string(file)]],
            ["op": "create_node", "type": "stream_sink", "name": "s"], ["op": "connect", "from": "f", "to": "s"],
          ]
        ])
      let recorder = try PacketRecorder()
      _ = try daemon.open(recorder, ["bus": "main"])
      let hops = ["capture", "bus/main", "encoder/s1"]
      try #require(
        waitUntil(timeout: 15) {
          let kept = try daemon.client.request("flight.status")["hops"]?.arrayValue ?? []
          return kept.filter { $0["stream"] != nil }.compactMap { $0["hop"]?.stringValue } == hops
        }, "\(daemon.log.suffix(600))")
      _ = try daemon.client.request("start")
      try wait(daemon, ["flight://encoder/s1"], seconds: 4)
      let out = folder.path + "/report"
      let made = try daemon.streamctl(["report", "--out", out, "--json"])
      #expect(made.status == 0, "\(made.standardError)")
      let report = try JSON.parse(made.standardOutput)
      #expect(report["hops"]?.arrayValue?.compactMap { $0["hop"]?.stringValue } == hops)
      let clicks = report["clicks"]?.arrayValue ?? []
      #expect(
        clicks.contains { $0["hop"] == "bus/main" && $0["born"]?.stringValue?.contains("in us") == true }, "\(clicks)")
      #expect(!clicks.contains { $0["hop"] == "capture" }, "\(clicks)")
      let events = report["events"]?.arrayValue ?? []
      #expect(
        events.contains { $0["topic"] == "stream_started" && ($0["at"]?.intValue ?? 0) > 1_000_000_000_000_000_000 })
      #expect(events.contains { $0["topic"] == "log" })
      #expect(report["graph"]?["nodes"] != nil && report["status"]?["sessions"] != nil)
      for name in ["capture", "bus-main", "encoder-s1"] { #expect(access(out + "/\(name).wav", R_OK) == 0) }
      // Its names are its own, and it counts for nobody's limit.
      #expect(throws: (any Error).self) { try start(daemon, [("flight://mine", "desktop")], in: folder) }
      let stopped = try daemon.streamctl(["report", "disarm"])
      #expect(stopped.status == 0 && stopped.standardOutput.contains("3 hops"), "\(stopped)")
      #expect(try daemon.client.request("stream_list")["streams"]?.arrayValue?.isEmpty == true)
    }

    /// Microphones are in it only when somebody says so.
    @Test func microphonesAreKeptOnlyWhenAsked() throws {
      let field = try MicField()
      _ = try field.openSealed()
      func kept(_ arguments: JSONObject) throws -> [String] {
        let answer = try field.daemon.client.request("flight.arm", arguments, timeout: .seconds(30))
        return (answer["hops"]?.arrayValue ?? []).compactMap { $0["hop"]?.stringValue }
      }
      #expect(try kept([:]) == ["capture"])
      #expect(try kept(["mic": true]) == ["capture", "voice/m1", "microphone"])
      #expect(try kept(["mic": false]) == ["capture"])
      #expect(try field.daemon.client.request("stream_list")["streams"]?.arrayValue?.count == 1)
    }
  }
}
