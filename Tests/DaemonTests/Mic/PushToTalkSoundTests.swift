import Control
import Glibc
import TestSupport
import Testing

extension DaemonTests {
  /// Push-to-talk as those who record the microphone hear it.
  @Suite(.serialized, .enabled(if: Products.python != nil, "python3 is not installed"))
  struct PushToTalkSoundTests {
    private static let source = "streamd.mic"
    private static let pitch = 997.0

    /// Stretches of sound and of silence, in milliseconds: silent is what is nothing at all.
    private static func stretches(_ sound: [Float]) -> [(isHeard: Bool, milliseconds: Int)] {
      var found: [(isHeard: Bool, milliseconds: Int)] = []
      for start in stride(from: 0, to: sound.count - 47, by: 48) {
        let isHeard = sound[start..<start + 48].contains { abs($0) > 1e-4 }
        if found.last?.isHeard == isHeard {
          found[found.count - 1].milliseconds += 1
        } else {
          found.append((isHeard, 1))
        }
      }
      return found
    }

    /// Whoever holds the key is killed, by the system or by the end of what it was given: the microphone is silent from then
    /// on, to the last sample. Nobody has released anything.
    @Test func whoIsKilledIsNotHeardAnyMore() throws {
      let server = try PrivatePipeWire()
      let daemon = try DaemonUnderTest(on: server)
      let web = try WebClient(daemon)
      _ = try daemon.client.request("ptt.rule")
      let file = server.runtimeDirectory + "/heard.wav"
      try #require(try waitUntil(timeout: 15) { try server.nodes().contains(Self.source) })
      let recorder = try server.start([
        "pw-record", "--target", Self.source, "--channels", "1", "--format", "f32", file,
      ])
      defer { recorder.stop() }
      try #require(try waitUntil(timeout: 15) { try daemon.status()["mic"]?["recorders"] == 1 })
      let talker = try Child(
        [
          Products.streamctl, "mic", "send", "--tone", "\(Int(Self.pitch))", "--seconds", "60", "--socket",
          daemon.socket,
        ], environment: server.environment)
      defer { talker.stop() }
      try #require(
        try waitUntil(timeout: 10) { try daemon.client.request("mic.list")["mic"]?["mics"]?[0]?["received"] != 0 })
      func state() throws -> JSON? { try daemon.client.request("mic.list")["mic"]?["mics"]?[0]?["state"] }
      func isOpen() throws -> Bool? { try daemon.client.request("ptt.list")["targets"]?[0]?["open"]?.boolValue }
      func waitUntilShut() throws {
        #expect(try waitUntil(timeout: 10) { try isOpen() == false })
        usleep(300_000)
      }
      usleep(200_000)
      // A key on this computer.
      let key = try Child([Products.streamctl, "ptt", "hold", "--socket", daemon.socket])
      defer { key.stop() }
      #expect(try waitUntil(timeout: 10) { try state() == "playing" })
      usleep(200_000)
      key.signal(SIGKILL)
      try waitUntilShut()
      // One somewhere else, which says twice that it still holds, and then no more.
      let client = try Child([try #require(Products.python), "-c", Self.holder, web.url("/ptt"), web.owner])
      defer { client.stop() }
      #expect(waitUntil(timeout: 10) { client.standardOutput.contains("held") })
      client.signal(SIGKILL)
      #expect(try state() == "playing")
      try waitUntilShut()
      recorder.signal(SIGINT)
      _ = recorder.wait(timeout: 10)
      let sound = try WaveFile(reading: file).channels[0]
      // Silence, the one, silence, the other, silence.
      let heard = Self.stretches(sound)
      let long = heard.filter { $0.milliseconds >= 100 }
      #expect(long.map(\.isHeard) == [false, true, false, true, false], "\(heard)")
      #expect(heard.last?.isHeard == false)
      if long.count == 5 {
        measured("heard of a hold of 400 ms whose holder is gone", Double(long[3].milliseconds), "ms")
      }
      // What was heard was the talker.
      let tone = heard.prefix { !$0.isHeard }.reduce(0) { $0 + $1.milliseconds } * 48
      let level = ToneAnalysis.level(of: Self.pitch, in: Array(sound[(tone + 4800)..<(tone + 9600)]), rate: 48_000)
      #expect(level > -40, "\(level)")
    }

    private static let holder = """
      import json, sys, time, urllib.request
      def say():
        body = json.dumps({"channel": "mic", "gate_open": True, "ttl_ms": 400}).encode()
        request = urllib.request.Request(sys.argv[1], body, {"Content-Type": "application/json",
                                                             "Authorization": "Bearer " + sys.argv[2]})
        urllib.request.urlopen(request, timeout=10).read()
      say(); time.sleep(0.2); say(); time.sleep(0.2); print("held", flush=True); time.sleep(60)
      """
  }
}
