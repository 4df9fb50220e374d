import AudioCore
import Control
import Glibc
import TestSupport
import Testing

extension DaemonTests {
  /// What can be recorded besides a microphone, and how much of it at once.
  @Suite(.serialized) struct RecordingSourceTests {
    /// Records for at least so many seconds; what `stream_stop` says.
    private func record(
      _ device: String, _ daemon: DaemonUnderTest, to take: String, samples: String, seconds: Double
    ) throws -> JSON {
      _ = try daemon.client.request(
        "stream_start",
        [
          "uri": "stream://one", "device": .string(device), "path": .string(take),
          "format": ["sample_format": .string(samples)],
        ], timeout: .seconds(20))
      #expect(
        try waitUntil(timeout: 20) {
          (try daemon.client.request("stream_list")["streams"]?[0]?["seconds"]?.doubleValue ?? 0) > seconds
        })
      return try daemon.client.request("stream_stop", ["uri": "one"], timeout: .seconds(20))
    }

    /// What another decoder makes of an exported file, in floats.
    private func decoded(_ file: String, in folder: TemporaryDirectory) throws -> [[Float]] {
      let raw = folder.path + "/decoded"
      let result = try Child.run(["ffmpeg", "-v", "error", "-y", "-i", file, "-f", "f32le", raw])
      try #require(result.status == 0 && result.standardError.isEmpty, "\(result.standardError)")
      return try SoftCard.samples(of: raw, format: .float32, channels: 2)
    }

    /// A tone that the graph makes, as FLAC: another decoder has the samples that the chunks have.
    @Test func aBusOfTheGraphIsRecorded() throws {
      let daemon = try DaemonUnderTest(
        on: nil, arguments: ["--remote", "/nonexistent/pipewire", "--backend", "null"])
      _ = try daemon.client.request(
        "commit",
        [
          "edits": [
            ["op": "create_node", "type": "tone", "name": "t", "args": ["frequency": 997, "level": -20]],
            ["op": "create_node", "type": "stream_sink", "name": "s", "args": ["bus": "tape"]],
            ["op": "connect", "from": "t", "to": "s"],
          ]
        ])
      _ = try daemon.client.request("start")
      let folder = try TemporaryDirectory()
      let take = folder.path + "/take"
      let last = try record("bus:tape", daemon, to: take, samples: "s24", seconds: 0.7)
      #expect(last["saved"] == true && last["stats"]?["gaps"] == 0, "\(last)")
      let flac = folder.path + "/take.flac"
      #expect(try daemon.streamctl(["record", "export", take, "--out", flac]).status == 0)
      let sound = try decoded(flac, in: folder)
      #expect(sound[0].count == last["stream"]?["frames"]?.intValue)
      let level = ToneAnalysis.level(of: 997, in: sound[0].dropFirst(9600), rate: 48_000)
      #expect(abs(level + 20) < 0.1, "\(level)")
      let raw = folder.path + "/raw"
      let cut = try Child.run([
        "sh", "-c", "exec \"$0\" record slice \"$1\" --last 1000000 > \"$2\"", Products.streamctl, take, raw,
      ])
      #expect(cut.status == 0)
      #expect(try SoftCard.samples(of: raw, format: .packed24, channels: 2) == sound)
    }

    /// A client of JACK, on a server without hardware: its tone, from the period after it was asked for.
    @Test func aClientOfJACKIsRecorded() throws {
      let server = try PrivateJACK()
      let player = try Child(["jack_simple_client", "player", server.name], environment: server.environment)
      defer { player.stop() }
      #expect(waitUntil(timeout: 10) { (try? server.run(["jack_lsp"]))?.standardOutput.contains("player:") == true })
      let daemon = try DaemonUnderTest(
        on: nil, arguments: ["--remote", "/nonexistent/pipewire"], environment: server.environment)
      let folder = try TemporaryDirectory()
      let take = folder.path + "/take"
      let last = try record("jack:player", daemon, to: take, samples: "f32", seconds: 0.5)
      #expect(last["saved"] == true, "\(last)")
      let wav = folder.path + "/take.wav"
      #expect(try daemon.streamctl(["record", "export", take, "--out", wav]).status == 0)
      let sound = try decoded(wav, in: folder)
      #expect(sound[0].count == last["stream"]?["position"]?.intValue)
      // A table of 200 frames, at a fifth of full scale. A server without real time leaves cycles out, and says so.
      let twice = 2 * Float(cos(2 * Double.pi / 200))
      let smooth = sound[0].indices.dropFirst().dropLast().count {
        abs(sound[0][$0 - 1] + sound[0][$0 + 1] - twice * sound[0][$0]) < 1e-5 && abs(sound[0][$0]) < 0.2001
      }
      let breaks = sound[0].count - 2 - smooth
      #expect(breaks <= 4 * (last["stats"]?["gaps"]?.intValue ?? 0), "\(breaks)")
      #expect(abs((sound[0].max() ?? 0) - 0.2) < 1e-4)
    }

    /// Sixteen at once: nothing is lost, and no page of the recordings' is touched for the first time by who renders.
    @Test func sixteenStreamsAtOnceFaultNoPage() throws {
      let server = try PrivatePipeWire(microphone: true)
      let daemon = try DaemonUnderTest(on: server)
      let folder = try TemporaryDirectory()
      let streams = (0..<16).map { number -> JSON in
        [
          "uri": .string("stream://\(number)"), "device": .string(PrivatePipeWire.microphoneName),
          "path": .string(folder.path + "/\(number)"), "chunk_bytes": 131_072,
        ]
      }
      _ = try daemon.client.request("stream_start", ["streams": .array(streams)], timeout: .seconds(30))
      func stats() throws -> [JSON] { try daemon.client.request("stream_stats")["streams"]?.arrayValue ?? [] }
      // Faults count from half a second on.
      #expect(
        try waitUntil(timeout: 30) {
          let all = try stats()
          return all.count == 16
            && all.allSatisfy { ($0["frames"]?.intValue ?? 0) > 60_000 && $0["page_faults"] != nil }
        })
      for stream in try stats() {
        #expect(stream["page_faults"] == 0 && stream["dropped_frames"] == 0 && stream["gaps"] == 0, "\(stream)")
      }
    }
  }
}
