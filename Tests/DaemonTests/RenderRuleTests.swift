import AudioCore
import AudioIO
import CRenderGuard
import Capture
import Glibc
import OpusCodec
import PipeWireIO
import TestSupport
import Testing
import Wiring

extension DaemonTests {
  /// What the render thread of a real capture does in ten seconds: nothing that allocates, frees or locks.
  @Suite(.serialized, .enabled(if: render_guard_available() != 0, "the guard is not in this build"))
  struct RenderRuleTests {
    @Test func captureBreaksNoRule() throws {
      let server = try PrivatePipeWire()
      let backend = try PipeWireBackend(remote: server.remote)
      let recorder = try PacketRecorder()
      let downlink = try Downlink(
        backend: backend, key: Downlink.Key(target: .defaultSink, quantum: 256, mode: .auto), name: "guarded"
      ) {}
      defer { downlink.stop() }
      let codec = OpusConfiguration.standard(layout: .stereo, bitrate: 192_000)
      let session = try StreamSession(
        identifier: "guarded",
        spec: SessionSpec(
          name: "",
          transport: .rtp(
            RTPTerms(host: "127.0.0.1", port: recorder.port, payloadType: 97, carriesCaptureTime: true)),
          configuration: codec, gain: Decibels(-3), pacing: .ready, source: downlink.key), downlink: downlink)
      defer { session.close() }
      let capturer = try DesktopCapturer.open(channels: 8, on: backend)
      let tone = try Tone(server)
      defer { tone.player.stop() }
      #expect(try waitUntil(timeout: 15) { try recorder.recording.peaks(codec).suffix(40).allSatisfy { $0 > 0.05 } })

      render_guard_reset()
      let seconds = Breadth.rounds(short: 4, long: 10)
      let end = monotonicSeconds() + Double(seconds)
      while monotonicSeconds() < end {
        _ = try capturer.nextChunk()
        _ = downlink.drain()
        // What whoever scrapes figures has looked at.
        _ = downlink.gauge.take()
        _ = session.statistics(resetLevels: true)
      }
      // The plan changes while it runs, as when a second client comes and goes.
      let sections = render_guard_sections()
      let hits = (0..<Int32(RENDER_GUARD_KINDS)).map { render_guard_hits_of($0) }
      measured("render sections under the guard", Double(sections), "")
      #expect(sections > 100 * UInt64(seconds))
      #expect(hits.allSatisfy { $0 == 0 }, "allocations, releases, locks, sleeps: \(hits)")
      #expect(recorder.count > 190 * seconds)
    }
  }
}
