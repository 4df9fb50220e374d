import Control
import Glibc
import TestSupport
import Testing

extension DaemonTests {
  /// How the daemon starts, refuses to start, and ends.
  @Suite(.serialized) struct LifecycleTests {
    @Test(arguments: [(SIGTERM, "terminated"), (SIGINT, "interrupted")])
    func aSignalStopsCleanly(signal: Int32, reason: String) throws {
      let server = try PrivatePipeWire()
      let daemon = try DaemonUnderTest(on: server)
      let recorder = try PacketRecorder()
      try daemon.open(recorder)
      try daemon.waitUntilHearing()
      _ = try daemon.client.request("subscribe", ["topics": ["health"]])
      daemon.signal(signal)
      var farewell: ControlEvent?
      while farewell == nil, let event = try daemon.client.nextEvent(timeout: .seconds(10)) {
        if event.topic == "bye" { farewell = event }
      }
      #expect(farewell?.line["reason"]?.stringValue == reason)
      #expect(daemon.wait() == 0)
      #expect(access(daemon.socket, F_OK) != 0, "the socket is still there")
      #expect(daemon.log.contains("stopping: \(reason)"))
      #expect(try !server.nodes().contains { $0.hasPrefix("streamd") })
    }

    @Test func itServesWithoutAServer() throws {
      let directory = try TemporaryDirectory()
      let daemon = try DaemonUnderTest(on: nil, arguments: ["--remote", directory.path + "/nobody"])
      let recorder = try PacketRecorder()
      let codec = try daemon.open(recorder)
      #expect(
        try waitUntil(timeout: 10) { try daemon.status()["problems"]?[0]?["code"] == "server_unavailable" })
      #expect(waitUntil(timeout: 10) { recorder.count > 100 })
      #expect(try recorder.recording.peaks(codec).allSatisfy { $0 < 0.001 })
      daemon.signal(SIGTERM)
      #expect(daemon.wait() == 0)
    }

    @Test func aSecondDaemonOnTheSameSocketRefuses() throws {
      let server = try PrivatePipeWire()
      let daemon = try DaemonUnderTest(on: server)
      let second = try Child.run([Products.streamd, "--socket", daemon.socket], environment: server.environment)
      #expect(second.status == 1)
      #expect(second.standardError.contains("a daemon is already running on \(daemon.socket)"))
      _ = try daemon.client.request("ping")
      #expect(access(daemon.socket, F_OK) == 0)
      // A socket that a killed daemon left is taken over.
      daemon.signal(SIGKILL)
      #expect(daemon.wait() == 128 + SIGKILL)
      #expect(access(daemon.socket, F_OK) == 0)
      let third = try Child([Products.streamd, "--socket", daemon.socket], environment: server.environment)
      #expect(waitUntil(timeout: 10) { (try? ControlClient(path: daemon.socket)) != nil })
      third.signal(SIGTERM)
      #expect(third.wait(timeout: 10) == 0)
    }

    @Test func checkNamesThePlaceOfAMistake() throws {
      let directory = try TemporaryDirectory()
      let file = directory.path + "/bad.toml"
      try write("[stream]\nbitrate = 96000\n  chanels = 2\n", to: file)
      let bad = try Child.run([Products.streamd, "--check", "--config", file])
      #expect(bad.status == 2)
      #expect(bad.standardError.contains("\(file):3:3: "), "\(bad.standardError)")
      #expect(bad.standardError.contains("channels"), "\(bad.standardError)")
      try write("[stream]\nbitrate = \"much\"\n", to: file)
      let wrong = try Child.run([Products.streamd, "--config", file, "--socket", directory.path + "/s"])
      #expect(wrong.status == 2 && wrong.standardError.contains("\(file):2:"), "\(wrong.standardError)")
      try write("[stream]\nbitrate = 128000\n", to: file)
      let good = try Child.run([Products.streamd, "--check", "--config", file])
      #expect(good.status == 0 && good.standardOutput.contains(file))
      #expect(try Child.run([Products.streamd, "--nonsense"]).status == 2)
    }

    @Test func aSessionOfTheConfigurationIsOpenedAtStart() throws {
      let server = try PrivatePipeWire()
      let recorder = try PacketRecorder()
      let directory = try TemporaryDirectory()
      try write(
        "[[session]]\nname = \"tv\"\nto = \"127.0.0.1:\(recorder.port)\"\nchannels = 6\n",
        to: directory.path + "/one.toml")
      let daemon = try DaemonUnderTest(on: server, arguments: ["--config", directory.path + "/one.toml"])
      #expect(waitUntil(timeout: 10) { recorder.count > 100 })
      let session = try daemon.session()
      #expect(session["name"] == "tv" && session["channels"] == 6)
      #expect(try daemon.streamctl(["session", "close", "tv"]).status == 0)
      #expect(try daemon.status()["state"] == "idle")
    }

    private func write(_ text: String, to path: String) throws {
      let file = try #require(fopen(path, "w"))
      fputs(text, file)
      fclose(file)
    }
  }
}
