import AudioCore
import AudioIO
import Glibc
import TestSupport
import Testing

@testable import ALSAIO

/// PipeWire's own PCM: what goes through it arrives.
@Suite(.serialized) struct ServerTests {
  private func card(_ server: PrivatePipeWire) throws -> SoftCard {
    try SoftCard(
      more: #"pcm.!default { type pipewire; server "\#(server.remote)"; playback_node "-1"; capture_node "-1" }"#)
  }

  @Test func toneReachesTheSink() throws {
    let server = try PrivatePipeWire.start()
    defer { server.stop() }
    let rig = try DeviceRig(try card(server), quantum: nil)
    #expect(rig.run(cycles: 5), "\(rig.states)")
    var channels: [[Float]] = []
    // A recorder is linked when the session manager comes to it: then there is a recording worth a verdict.
    for attempt in 1...8 where channels.isEmpty {
      let file = server.runtimeDirectory + "/sink\(attempt).wav"
      let recorder = try server.start([
        "pw-record", "-P", "{ stream.capture.sink=true }", "--target", PrivatePipeWire.sinkName, "--channels", "2",
        "--format", "f32", file,
      ])
      #expect(rig.run(cycles: 120))
      recorder.signal(SIGINT)
      #expect(recorder.wait(timeout: 5) != nil)
      let recorded = try WaveFile(reading: file).channels
      if recorded.allSatisfy({ channel in channel.count { $0 != 0 } > 24_000 }) { channels = recorded }
    }
    rig.stream.stop()
    #expect(channels.count == 2)
    for channel in channels {
      let verdict = try #require(ToneVerdict(bestOf: channel, frequency: RigClient.frequency))
      #expect(abs(verdict.level + 6.0206) < 0.01 && verdict.residual < -100, "\(verdict)")
    }
  }

  @Test func microphoneIsHeard() throws {
    let server = try PrivatePipeWire.start(microphone: true)
    defer { server.stop() }
    let rig = try DeviceRig(try card(server), role: .capture(source: nil), layout: .mono, quantum: nil)
    let heard = waitUntil(timeout: 15) { rig.client.recorded(channel: 0).count { $0 != 0 } > 24_000 }
    rig.stream.stop()
    #expect(heard, "\(rig.states)")
    let verdict = try #require(ToneVerdict(bestOf: rig.client.recorded(channel: 0), frequency: 440))
    #expect(verdict.residual < -60, "\(verdict)")
  }
}
