import AudioCore
import Control
import Glibc
import TestSupport
import Testing

extension DaemonTests {
  /// The topic `meters` as its readers have it.
  @Suite(.serialized) struct MeterTests {
    /// One reader with a rate of its own.
    private func reader(_ daemon: DaemonUnderTest, rate: Double) throws -> ControlClient {
      let client = try ControlClient(path: daemon.socket)
      let answer = try client.request("subscribe", ["topics": ["meters"], "rate": JSON(rate)])
      #expect(answer["topics"]?["meters"]?["snapshot"]?["rate"]?.doubleValue == rate)
      return client
    }

    private func peak(_ list: String, _ key: String, _ id: String, in data: JSON) -> Double? {
      let item = data[list]?.arrayValue?.first { $0[key]?.plainText == id }
      return (item?["peak_dbfs"]?.arrayValue ?? []).compactMap(\.doubleValue).max()
    }

    /// A click of one cycle of the graph, which lies between two messages of nearly every reader: each reader is told of it,
    /// once.
    @Test func aClickIsSeenByEveryReaderOnce() throws {
      let daemon = try DaemonUnderTest(on: nil, arguments: ["--remote", "/nonexistent/pipewire", "--backend", "null"])
      let directory = try TemporaryDirectory()
      var samples = [Float](repeating: 0, count: 48_000)
      for frame in 24_000..<24_128 { samples[frame] = 0.5 }
      try WaveFile(rate: 48_000, channels: [samples]).write(to: directory.path + "/click.wav")
      let edits: JSON = [
        [
          "op": "create_node", "type": "file_source", "name": "file",
          "args": ["path": .string(directory.path + "/click.wav"), "channels": 1],
        ],
        ["op": "create_node", "type": "meter", "name": "eye", "args": ["channels": 1]],
        ["op": "create_node", "type": "channel_map", "name": "map", "args": ["from": 1, "to": 2]],
        ["op": "create_node", "type": "device_sink", "name": "out"],
        ["op": "connect", "from": "file", "to": "eye"], ["op": "connect", "from": "eye", "to": "map"],
        ["op": "connect", "from": "map", "to": "out"],
      ]
      let rates = [60.0, 25, 7, 2]
      let readers = try rates.map { try reader(daemon, rate: $0) }
      _ = try daemon.client.request("commit", ["edits": edits])
      _ = try daemon.client.request("start")
      for (rate, client) in zip(rates, readers) {
        var clicks: [Double] = []
        var revision = 0
        var after = 0
        // Until it was seen, and some windows beyond, in which it must not be seen again.
        while after < 3, let event = try client.nextEvent(timeout: .seconds(20)) {
          #expect(event.topic == "meters" && event.revision > revision)
          revision = event.revision
          if !clicks.isEmpty { after += 1 }
          if let peak = peak("nodes", "node", "eye", in: event.data), peak > -60 { clicks.append(peak) }
        }
        // It may lie in two windows when its two cycles do.
        #expect((1...2).contains(clicks.count) && clicks.allSatisfy { abs($0 + 6.02) < 0.1 }, "\(rate) Hz: \(clicks)")
      }
    }

    @Test func ratesAreBoundedAndTheTopicIsDescribed() throws {
      let daemon = try DaemonUnderTest(on: nil, arguments: ["--remote", "/nonexistent/pipewire"])
      for rate in [0.5, 61] {
        #expect(throws: ControlClientError.self) {
          _ = try daemon.client.request("subscribe", ["topics": ["meters"], "rate": JSON(rate)])
        }
      }
      let usual = try daemon.client.request("subscribe", ["topics": ["meters"]])
      #expect(usual["topics"]?["meters"]?["snapshot"]?["rate"]?.doubleValue == 20)
      #expect(try daemon.client.request("describe")["topics"]?["meters"]?["kind"] == "window")
      // Nothing is heard yet, and that is what comes.
      let event = try #require(try daemon.client.nextEvent(timeout: .seconds(20)))
      #expect(event.data["buses"] == [] && event.data["sessions"] == [])
    }

    /// Levels before and after a session's gain, of sessions that share an encoder too, beside the older topic.
    @Test func busesAndSessionsAreMeasured() throws {
      let server = try PrivatePipeWire(sinkChannels: 2)
      let daemon = try DaemonUnderTest(on: server)
      let recorders = try (0..<3).map { _ in try PacketRecorder() }
      try daemon.open(recorders[0], ["gain_db": -12])
      try daemon.open(recorders[1])
      try daemon.open(recorders[2])
      try daemon.waitUntilHearing()
      let directory = try TemporaryDirectory()
      try TestTone(channels: 2, level: -20).write(to: directory.path + "/tone.wav", seconds: 30)
      let player = try server.play(directory.path + "/tone.wav")
      defer { player.stop() }
      let older = try ControlClient(path: daemon.socket)
      _ = try older.request("subscribe", ["topics": ["levels"]])
      let client = try reader(daemon, rate: 10)
      let near = { (level: Double?, wanted: Double) in level.map { abs($0 - wanted) < 1 } ?? false }
      var last = JSON.null
      let isMeasured = try waitUntil(timeout: 20) {
        guard let event = try client.nextEvent(timeout: .seconds(5)) else { return false }
        last = event.data
        return near(peak("buses", "bus", "default-sink", in: last), -20)
          && near(peak("sessions", "session", "s1", in: last), -32)
          && ["s2", "s3"].allSatisfy { near(peak("sessions", "session", $0, in: last), -20) }
      }
      #expect(isMeasured, "\(last)")
      #expect(last["buses"]?[0]?["channels"] == ["FL", "FR"])
      let rms = last["buses"]?[0]?["rms_dbfs"]?[0]?.doubleValue ?? 0
      #expect(abs(rms + 23) < 1, "\(last)")
      var told: [Double] = []
      #expect(
        try waitUntil(timeout: 20) {
          guard let event = try older.nextEvent(timeout: .seconds(5)) else { return false }
          told = (event.data["sessions"]?.arrayValue ?? []).compactMap {
            $0["channels"]?[0]?["peak_dbfs"]?.doubleValue
          }
          return told.count == 3 && near(told[0], -32) && near(told[1], -20) && near(told[2], -20)
        }, "\(told)")
    }
  }
}

extension JSON {
  fileprivate var plainText: String { stringValue ?? text }
}
