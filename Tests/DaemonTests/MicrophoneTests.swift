import AudioCore
import Control
import Glibc
import OpusCodec
import TestSupport
import Testing

extension DaemonTests {
  /// Without its sink the daemon sends silence on time and says why. It never hears a microphone.
  @Suite(.serialized) struct MicrophoneTests {
    @Test func aMicrophoneAndNoSinkIsSilence() throws {
      let server = try PrivatePipeWire(sinkChannels: 0, microphone: true)
      let links = try LinkWatch(server)
      let daemon = try DaemonUnderTest(on: server)
      let recorder = try PacketRecorder()
      let codec = try daemon.open(recorder)
      let since = monotonicSeconds()
      try expectReason("no_sink", from: daemon, since: since, log: "there is no sink to capture")
      try expectSilence(recorder, codec, seconds: 3)
      #expect(links.intoDaemon.isEmpty, "\(links.intoDaemon)")
    }

    @Test func aMistypedSinkIsSilenceAndNotAnotherDevice() throws {
      let server = try PrivatePipeWire(microphone: true)
      let tone = try Tone(server)
      defer { tone.player.stop() }
      let links = try LinkWatch(server)
      let daemon = try DaemonUnderTest(on: server)
      let recorder = try PacketRecorder()
      let codec = try daemon.open(recorder, ["target": "sink:private-snik"])
      let since = monotonicSeconds()
      try expectReason("sink_not_found", from: daemon, since: since, log: "no sink is named \"private-snik\"")
      #expect(try daemon.status()["problems"]?[0]?["hint"]?.stringValue?.contains("private-sink") == true)
      // Nor is the microphone a sink, when somebody names it.
      let other = try PacketRecorder()
      try daemon.open(other, ["target": "sink:private-mic"])
      #expect(
        try waitUntil(timeout: 10) {
          try daemon.status()["problems"]?.arrayValue?.contains { $0["code"] == "not_a_sink" } == true
        })
      try expectSilence(recorder, codec, seconds: 3)
      #expect(links.intoDaemon.isEmpty, "\(links.intoDaemon)")
    }

    @Test func aSinkThatGoesMidStreamIsSilenceUntilItIsBack() throws {
      let server = try PrivatePipeWire(sinkChannels: 0, microphone: true)
      try server.createSink("wanted", channels: 2)
      let links = try LinkWatch(server)
      let daemon = try DaemonUnderTest(on: server)
      let recorder = try PacketRecorder()
      let codec = try daemon.open(recorder, ["target": "sink:wanted"])
      try daemon.waitUntilHearing()
      let tone = try Tone(server, to: "wanted")
      defer { tone.player.stop() }
      #expect(try waitUntil(timeout: 15) { try recorder.recording.peaks(codec).suffix(40).allSatisfy { $0 > 0.05 } })

      let since = monotonicSeconds()
      try server.destroyNode("wanted")
      try expectReason("sink_not_found", from: daemon, since: since, log: "no sink is named \"wanted\"")
      tone.player.stop()
      // A link made by hand while there is nothing to hear goes as well.
      _ = try server.run(["pw-link", "private-mic:capture_FL", "streamd.capture:input_FL"])
      #expect(waitUntil(timeout: 10) { links.standing(from: "private-mic:capture_FL") == 0 })
      try expectSilence(recorder, codec, seconds: 2)

      try server.createSink("wanted", channels: 2)
      try daemon.waitUntilHearing()
      let whole = recorder.recording
      #expect(whole.sequenceBreaks.isEmpty && whole.sources.count == 1)
      // The one link to a source is the one this test forced.
      #expect(links.forbidden.allSatisfy { $0.output == "private-mic:capture_FL" }, "\(links.forbidden)")
      #expect(links.forbidden.count <= 1, "\(links.forbidden)")
    }

    /// Whoever links the microphone to us by hand hears nothing of it either.
    @Test func aForcedLinkFromTheMicrophoneIsRefused() throws {
      let server = try PrivatePipeWire()
      // The fake microphone is silent beside a sink; this one is fed, and what it says is checked first.
      try server.createNode("hot-mic", mediaClass: "Audio/Source/Virtual", channels: 2)
      let tone = try Tone(server, to: "0")
      defer { tone.player.stop() }
      for side in ["FL", "FR"] {
        #expect(
          try waitUntil(timeout: 10) {
            try server.run(["pw-link", "pw-cat:output_\(side)", "hot-mic:input_\(side)"]).status == 0
          })
      }
      try expectAudible("hot-mic", server)

      let links = try LinkWatch(server)
      let daemon = try DaemonUnderTest(on: server)
      _ = try daemon.client.request("subscribe", ["topics": ["health"]])
      let recorder = try PacketRecorder()
      let codec = try daemon.open(recorder)
      try daemon.waitUntilHearing()
      for side in ["FL", "FR"] {
        _ = try server.run(["pw-link", "hot-mic:capture_\(side)", "streamd.capture:input_\(side)"])
        #expect(waitUntil(timeout: 10) { links.forbidden.contains { $0.output == "hot-mic:capture_\(side)" } })
        #expect(waitUntil(timeout: 10) { links.standing(from: "hot-mic:capture_\(side)") == 0 })
      }
      try daemon.waitUntilHearing()
      #expect(daemon.log.contains("a link from what the sink does not play was refused"))
      var named = false
      while !named, let event = try daemon.client.nextEvent(timeout: .seconds(5)) {
        named = event.data["problems"]?.arrayValue?.contains { $0["code"] == "foreign_link" } == true
      }
      #expect(named, "no health event names foreign_link")

      let count = recorder.count
      #expect(waitUntil(timeout: 10) { recorder.count >= count + 200 })
      // The sink itself plays nothing, so whatever is audible came from the microphone.
      let audible = try recorder.recording.peaks(codec).count { $0 > 0.001 }
      measured("microphone heard, two forced links", Double(audible) * 5, "ms")
      #expect(audible * 5 <= 100)
      #expect(recorder.recording.sequenceBreaks.isEmpty)
    }

    /// An ordinary recorder hears the source: else silence would prove nothing.
    private func expectAudible(_ source: String, _ server: PrivatePipeWire) throws {
      let directory = try TemporaryDirectory()
      let file = directory.path + "/control.wav"
      let recorder = try server.start([
        "pw-cat", "--record", "--target", source, "--format", "s16", "--rate", "48000", "--channels", "2", file,
      ])
      defer { recorder.stop() }
      let heard = waitUntil(timeout: 15) {
        // Still being written: its header says nothing yet. A tone of -20 dBFS peaks at 3277.
        Self.samples(file).contains { $0 > 3000 }
      }
      #expect(heard, "\(source) is silent itself")
    }

    private static func samples(_ path: String) -> [Int16] {
      guard let file = fopen(path, "r") else { return [] }
      defer { fclose(file) }
      var samples = [Int16](repeating: 0, count: 48_000 * 2 * 20)
      fseek(file, 44, SEEK_SET)
      let count = samples.withUnsafeMutableBytes { fread($0.baseAddress, 2, $0.count / 2, file) }
      return Array(samples[..<count])
    }

    // MARK: What all of them expect

    /// `status` and the log name the reason, within the second the daemon promises and what this machine may add to it.
    private func expectReason(_ code: String, from daemon: DaemonUnderTest, since: Double, log text: String) throws {
      let named = try waitUntil(timeout: 10) {
        try daemon.status()["problems"]?.arrayValue?.contains { $0["code"] == .string(code) } == true
      }
      let (status, logged) = (monotonicSeconds(), waitUntil(timeout: 10) { daemon.log.contains(text) })
      let now = try daemon.status()
      #expect(named, "\(code) is not in \(now)")
      #expect(logged, "\(text) is not in \(daemon.log)")
      measured("\(code) named after", max(status, monotonicSeconds()) - since, "s")
      // One second by promise; the rest is what a loaded machine may take to run the tools of this test.
      #expect(monotonicSeconds() - since < 3)
      #expect(now["state"] == "degraded")
      let session = try daemon.session()
      #expect(session["reason_code"] == .string(code))
      #expect(session["reason"]?.stringValue?.contains(text) == true)
    }

    /// Packets of silence, on time.
    private func expectSilence(_ recorder: PacketRecorder, _ codec: OpusConfiguration, seconds: Double) throws {
      recorder.restart()
      let start = monotonicSeconds()
      waitUntil(timeout: seconds) { false }
      let recording = recorder.recording
      let expected = (monotonicSeconds() - start) / 0.005
      measured("packets of silence, of real time", Double(recording.packets.count) / expected, "")
      measured("longest pause between packets of silence", recording.longestPause * 1000, "ms")
      #expect(Double(recording.packets.count) >= expected * 0.95 - 2)
      #expect(recording.longestPause < 0.25)
      #expect(recording.sequenceBreaks.isEmpty)
      // The codec's own look-ahead may still carry the end of what was heard before.
      #expect(try recording.peaks(codec).dropFirst(20).allSatisfy { $0 < 0.001 })
    }
  }
}

/// A long tone in a sink.
struct Tone {
  let player: Child
  private let directory: TemporaryDirectory

  init(_ server: PrivatePipeWire, to sink: String = PrivatePipeWire.sinkName, frequency: Double = 997) throws {
    directory = try TemporaryDirectory()
    let file = directory.path + "/tone.wav"
    try TestTone(frequencies: [frequency, frequency]).write(to: file, seconds: 60)
    player = try server.play(file, to: sink)
  }
}
