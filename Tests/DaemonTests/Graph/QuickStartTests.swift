import Control
import Glibc
import TestSupport
import Testing

extension DaemonTests {
  /// The first steps as a newcomer types them, on every sound system.
  @Suite(.serialized) struct QuickStartTests {
    private static let quickStart = [
      #"{"cmd":"create_node","type":"tone","args":{"freq":440}}"#,
      #"{"cmd":"create_node","type":"gain","args":{"db":-6.0}}"#,
      #"{"cmd":"create_node","type":"device_sink"}"#,
      #"{"cmd":"connect","from":1,"to":2}"#,
      #"{"cmd":"connect","from":2,"to":3}"#,
    ]

    /// Types all of it; returns when the graph runs.
    private func begin(_ daemon: DaemonUnderTest, driver: String?, device: String = "default") throws -> SeedClient {
      let client = try SeedClient(path: daemon.socket)
      let greeting = try client.ask(#"{"cmd":"ping"}"#)
      #expect(greeting["ok"] == true && greeting["name"] == "streamd" && greeting["version"]?.stringValue != nil)
      if let driver {
        #expect(try client.ask("{\"cmd\":\"backend\",\"driver\":\"\(driver)\"}")["ok"] == true)
      }
      let open = "{\"cmd\":\"device_open\",\"name\":\"\(device)\",\"rate\":48000,\"channels\":2,\"period\":128}"
      #expect(try client.ask(open)["ok"] == true)
      for (place, line) in Self.quickStart.enumerated() {
        let reply = try client.ask(line)
        #expect(reply["ok"] == true, "\(line): \(reply)")
        if place < 3 { #expect(reply["id"]?.intValue == place + 1) }
      }
      #expect(try client.ask(#"{"cmd":"subscribe","events":["xrun","stats","state"]}"#)["ok"] == true)
      #expect(try client.ask(#"{"cmd":"start"}"#)["ok"] == true)
      _ = try client.event { $0["event"] == "state" && $0["value"] == "running" }
      return client
    }

    /// −6 dB within a hundredth, at 440 Hz, and nothing else; told as the protocol spells it.
    @Test(arguments: Breadth.of([nil, "pipewire", "alsa"], brief: [nil, "alsa"])) func itIsHeard(driver: String?) throws
    {
      let server = try PrivatePipeWire()
      let daemon = try DaemonUnderTest(on: server)
      let listener = try SinkListener(server)
      let client = try begin(daemon, driver: driver, device: driver == "alsa" ? "pipewire" : "default")
      let stats = try client.event { $0["event"] == "stats" && $0["cycles"]?.intValue ?? 0 > 50 }
      #expect(stats["period"] == 128 && stats["late_us"]?.intValue != nil)
      #expect((0.001...50).contains(try #require(stats["cpu_pct"]?.doubleValue)), "\(stats)")
      try expectTone(-6, listener)
      // Louder, over a quarter of a second, while it plays.
      let set = try client.ask(#"{"cmd":"set_param","id":2,"param":"gain","value":-12,"ramp_ms":250}"#)
      #expect(set["ok"] == true && set["node"]?["params"]?["gain"]?.doubleValue == -12)
      usleep(400_000)
      try expectTone(-12, listener)
      let clock = try client.ask(#"{"cmd":"clock"}"#)
      #expect(clock["running"] == true && clock["rate"] == 48_000)
      let position = try #require(clock["now_position"]?.intValue)
      // What plays now was asked for by now, and is not older than a tenth of a second.
      #expect(abs(position - (clock["position"]?.intValue ?? 0)) < 4800, "\(clock)")
      #expect(try client.ask(#"{"cmd":"stop"}"#)["ok"] == true)
      _ = try client.event { $0["event"] == "state" && $0["value"] == "stopped" }
      let silence = listener.record(seconds: 0.1)
      #expect(silence.allSatisfy { $0 == 0 })
    }

    /// One second in several that nobody disturbed: the level, and that nothing but the tone is there.
    private func expectTone(_ level: Double, _ listener: SinkListener, _ place: SourceLocation = #_sourceLocation)
      throws
    {
      var verdict: ToneVerdict?
      for _ in 0..<4 {
        let before = listener.missed
        verdict = ToneVerdict(of: listener.record(seconds: 1), frequency: 440)
        if listener.missed == before, let verdict, verdict.residual < -80 { break }
      }
      let found = try #require(verdict, sourceLocation: place)
      #expect(abs(found.level - level) < 0.01, "\(found)", sourceLocation: place)
      #expect(found.residual < -80, "\(found)", sourceLocation: place)
    }

    /// Without any sound: ALSA's null, and a clock of our own. The graph runs in time all the same.
    @Test(arguments: [("alsa", "null"), ("null", "default")]) func itRunsWithoutADevice(driver: String, device: String)
      throws
    {
      let daemon = try DaemonUnderTest(on: nil, arguments: ["--remote", "/nonexistent/pipewire"])
      let client = try begin(daemon, driver: driver, device: device)
      let first = try client.event { $0["event"] == "stats" && $0["position"]?.intValue ?? 0 > 4800 }
      let began = monotonicSeconds()
      let enough = (first["position"]?.intValue ?? 0) + 48_000
      let last = try client.event { $0["event"] == "stats" && $0["position"]?.intValue ?? 0 > enough }
      let frames = Double((last["position"]?.intValue ?? 0) - (first["position"]?.intValue ?? 0))
      // Events come ten times a second.
      #expect(abs(frames / 48_000 - (monotonicSeconds() - began)) < 0.5)
    }

    /// A process that was stopped for a while lost as much sound: told once, with its length, and nothing is caught up.
    @Test func aLossIsToldOnce() throws {
      let server = try PrivatePipeWire()
      let daemon = try DaemonUnderTest(on: server)
      let client = try begin(daemon, driver: nil)
      _ = try client.event { $0["event"] == "stats" && $0["cycles"]?.intValue ?? 0 > 100 }
      daemon.signal(SIGSTOP)
      usleep(200_000)
      daemon.signal(SIGCONT)
      let loss = try client.event { $0["event"] == "xrun" && $0["usec"]?.intValue ?? 0 > 100_000 }
      #expect(loss["type"] == "underrun" && loss["count"] == 1, "\(loss)")
      #expect(loss["node"] == 3 && (loss["usec"]?.intValue ?? 0) < 1_000_000, "\(loss)")
      let listener = try SinkListener(server)
      try expectTone(-6, listener)
      let told = client.events.filter { $0["event"] == "xrun" && $0["usec"]?.intValue ?? 0 > 100_000 }
      #expect(told.isEmpty, "\(told)")
    }

    /// On a JACK server, recorded by a program of its own.
    @Test func itIsHeardThroughJACK() throws {
      let server = try PrivateJACK(period: 256)
      let daemon = try DaemonUnderTest(
        on: nil, arguments: ["--remote", "/nonexistent/pipewire"], environment: ["JACK_DEFAULT_SERVER": server.name])
      let client = try begin(daemon, driver: "jack")
      #expect(try server.connections(of: "streamd.graph:output_FL") == ["system:playback_1"])
      let directory = try TemporaryDirectory()
      var verdict: ToneVerdict?
      for attempt in 0..<3 {
        let file = directory.path + "/heard-\(attempt).wav"
        let ports = ["streamd.graph:output_FL", "streamd.graph:output_FR"]
        let result = try server.run(["jack_rec", "-f", file, "-d", "2", "-b", "16"] + ports)
        #expect(result.status == 0, "\(result)")
        verdict = ToneVerdict(of: try WaveFile(reading: file).channels[0], frequency: 440)
        if let verdict, verdict.residual < -80 { break }
      }
      let found = try #require(verdict)
      #expect(abs(found.level + 6) < 0.01 && found.residual < -80, "\(found)")
      // A server that dies is named; the graph plays on when it is back.
      server.kill()
      _ = try client.event { $0["event"] == "state" && $0["value"] == "waiting" }
      try server.restart()
      _ = try client.event(timeout: 20) { $0["event"] == "state" && $0["value"] == "running" }
    }

    /// ALSA's file: the samples themselves.
    @Test func itIsWrittenByALSAsFile() throws {
      let directory = try TemporaryDirectory()
      let raw = directory.path + "/out.raw"
      let daemon = try DaemonUnderTest(on: nil, arguments: ["--remote", "/nonexistent/pipewire"])
      let client = try begin(daemon, driver: "alsa", device: "tee:null,'\(raw)',raw")
      usleep(1_500_000)
      _ = try client.ask(#"{"cmd":"stop"}"#)
      _ = try client.event { $0["event"] == "state" && $0["value"] == "stopped" }
      let samples = try floats(of: raw)
      try #require(samples.count > 48_000)
      let middle = samples[(samples.count / 2 - 24_000)..<(samples.count / 2 + 24_000)]
      let verdict = try #require(ToneVerdict(of: Array(middle), frequency: 440))
      #expect(abs(verdict.level + 6) < 0.01 && verdict.residual < -80, "\(verdict)")
      // It rises and falls, so that neither end is a click.
      let steps = zip(samples, samples.dropFirst()).map { abs($0 - $1) }.max() ?? 0
      #expect(steps < Float(0.5012 * 2 * .pi * 440 / 48_000) * 1.1, "\(steps)")
    }

    /// The first of two channels.
    private func floats(of path: String) throws -> [Float] {
      guard let file = fopen(path, "r") else { throw SupportError("\(path): \(errno)") }
      defer { fclose(file) }
      var values = [Float](repeating: 0, count: 2_000_000)
      let count = fread(&values, 4, values.count, file)
      return stride(from: 0, to: count - 1, by: 2).map { values[$0] }
    }
  }
}
