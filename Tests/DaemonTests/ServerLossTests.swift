import AudioCore
import Control
import Glibc
import OpusCodec
import TestSupport
import Testing

extension DaemonTests {
  /// The server is killed under a session, twice. The session stays what it was.
  @Suite(.serialized) struct ServerLossTests {
    @Test func aSessionOutlivesTheServer() throws {
      let server = try PrivatePipeWire()
      let daemon = try DaemonUnderTest(on: server)
      let directory = try TemporaryDirectory()
      let file = directory.path + "/tone.wav"
      try TestTone(channels: 2).write(to: file, seconds: 60)
      // Plays again as soon as there is a server to play to.
      let player = try server.start([
        "sh", "-c", "while :; do pw-cat --playback --target \(PrivatePipeWire.sinkName) \(file); sleep 0.05; done",
      ])
      defer { player.stop() }
      let recorder = try PacketRecorder()
      let codec = try daemon.open(recorder)
      try daemon.waitUntilHearing()
      try waitForSound(recorder, codec, since: 0)
      // The monitor may stand in for a while at first, with descriptors of its own.
      #expect(try waitUntil(timeout: 30) { try daemon.capture()["path"] == "streams" })
      let before = daemon.descriptors

      for round in 1...2 {
        server.kill(.pipewire)
        let killed = monotonicSeconds()
        let named = try waitUntil(timeout: 10) {
          try daemon.status()["problems"]?[0]?["code"] == "server_unavailable"
        }
        #expect(named, "\(daemon.log)")
        measured("round \(round): loss of the server named after", monotonicSeconds() - killed, "s")
        #expect(monotonicSeconds() - killed < 3)
        let count = recorder.count
        #expect(waitUntil(timeout: 10) { recorder.count >= count + 100 })
        #expect(try recorder.recording.peaks(codec).suffix(60).allSatisfy { $0 < 0.001 })

        try server.restartServer()
        let back = monotonicSeconds()
        try waitForSound(recorder, codec, since: back)
        let heard = try soundStart(recorder, codec, after: killed + 0.4)
        measured("round \(round): sound back after the server and its session manager", heard - back, "s")
        // One second by promise, counted here from a server that was asked and has answered.
        #expect(heard - back < 3)
      }

      #expect(waitUntil(timeout: 40) { daemon.descriptors == before }, "\(before), now \(daemon.descriptors)")
      judge(recorder.recording)
    }

    private func judge(_ recording: Recording) {
      #expect(recording.sources.count == 1)
      #expect(recording.sequenceBreaks.isEmpty)
      #expect(recording.skips.values.allSatisfy { $0 > 0 }, "timestamps ran back: \(recording.skips)")
      #expect(recording.markersAreRight)
      let drift = recording.clockOffsets.map { abs($0) }.max() ?? 0
      measured("media clock against real time at most, over \(Int(recording.seconds)) s", drift * 1000, "ms")
      measured("longest pause between packets", recording.longestPause * 1000, "ms")
      #expect(drift < 0.05)
    }

    private func waitForSound(_ recorder: PacketRecorder, _ codec: OpusConfiguration, since: Double) throws {
      let heard = try waitUntil(timeout: 20) {
        let recording = recorder.recording
        let fresh = recording.packets.count { $0.arrival > since }
        return try fresh >= 40 && recording.peaks(codec).suffix(40).allSatisfy { $0 > 0.05 }
      }
      #expect(heard, "no sound")
    }

    /// When the first packet that is not silent came.
    private func soundStart(_ recorder: PacketRecorder, _ codec: OpusConfiguration, after time: Double) throws -> Double
    {
      let recording = recorder.recording
      let peaks = try recording.peaks(codec)
      let index = recording.packets.indices.first { recording.packets[$0].arrival > time && peaks[$0] > 0.05 }
      return recording.packets[try #require(index)].arrival
    }
  }
}
