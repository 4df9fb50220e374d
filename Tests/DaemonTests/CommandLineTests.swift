import Control
import Glibc
import TestSupport
import Testing

extension DaemonTests {
  /// `streamctl` against a running daemon, and against none.
  @Suite(.serialized) struct CommandLineTests {
    @Test func exitStatusSaysWhatHappened() throws {
      let server = try PrivatePipeWire()
      let daemon = try DaemonUnderTest(on: server)
      let none = try Child.run([Products.streamctl, "status", "--socket", "/nonexistent/socket"])
      #expect(none.status == 3 && none.standardOutput.isEmpty && none.standardError.contains("no daemon is running"))
      let json = try Child.run([Products.streamctl, "status", "--json", "--socket", "/nonexistent/socket"])
      #expect(try JSON.parse(json.standardOutput)["error"]?["code"] == "not_running")
      #expect(try daemon.streamctl(["status"]).status == 0)
      #expect(try daemon.streamctl(["session", "close", "s77"]).status == 4)
      for wrong in [
        ["statsu"], ["status", "--jsn"], ["session", "open"], ["session", "opne"], ["status", "more"],
        ["session", "open", "--to", "127.0.0.1:9", "--channels", "5"], ["session", "open", "--to", "nowhere"], ["raw"],
      ] {
        let result = try daemon.streamctl(wrong)
        #expect(result.status == 2 && !result.standardError.isEmpty, "\(wrong): \(result)")
      }
      #expect(try daemon.streamctl(["statsu"]).standardError.contains("did you mean status?"))

      let recorder = try PacketRecorder()
      let to = "127.0.0.1:\(recorder.port)"
      let opened = try daemon.streamctl(["session", "open", "--to", to, "--target", "sink:absent"])
      #expect(opened.status == 0 && opened.standardOutput.hasPrefix("v=0"))
      #expect(try waitUntil(timeout: 10) { try daemon.streamctl(["status"]).status == 7 })
      let status = try daemon.streamctl(["status"])
      #expect(status.standardOutput.contains("no sink is named \"absent\""))
      #expect(try JSON.parse(try daemon.streamctl(["status", "--json"]).standardOutput)["state"] == "degraded")
      #expect(try daemon.streamctl(["session", "list"]).standardOutput.contains("s1 to \(to)"))
      #expect(try daemon.streamctl(["session", "close", "s1"]).status == 0)
      #expect(try daemon.streamctl(["status"]).status == 0)
      let raw = try daemon.streamctl(["raw", #"{"id":"a","op":"ping"}"#])
      #expect(try raw.status == 0 && JSON.parse(raw.standardOutput)["id"] == "a")
      #expect(try daemon.streamctl(["raw", #"{"id":1,"op":"nothing"}"#]).status == 5)
    }

    @Test func thePageOfTheProtocolIsWhatTheDaemonDescribes() throws {
      let daemon = try DaemonUnderTest(on: nil, arguments: ["--remote", "/nonexistent/pipewire"])
      let described = try daemon.streamctl(["describe", "--markdown"])
      #expect(described.status == 0)
      let file = try #require(fopen(SourceTree.root + "/docs/PROTOCOL.md", "r"))
      defer { fclose(file) }
      var bytes = [UInt8](repeating: 0, count: 1 << 20)
      let page = String(decoding: bytes[..<fread(&bytes, 1, bytes.count, file)], as: UTF8.self)
      let start = try #require(page.firstRange(of: "## Operations\n"), "docs/PROTOCOL.md has no reference part")
      // `streamctl describe --markdown` makes it anew.
      #expect(page[start.lowerBound...] == described.standardOutput)
    }

    @Test func listenTellsTheRightToneFromAWrongOne() throws {
      let server = try PrivatePipeWire()
      let daemon = try DaemonUnderTest(on: server)
      let silent = try daemon.streamctl(["listen", "--seconds", "1.5", "--expect-test-tone", "-20"])
      #expect(silent.status == 7, "\(silent)")
      #expect(silent.standardError.contains("did not arrive intact"))

      let wrong = try server.start([Products.streamctl, "test-tone", "--frequency", "440", "--level", "-20"])
      #expect(waitUntil(timeout: 10) { wrong.standardError.contains("playing") })
      let heard = try daemon.streamctl(["listen", "--seconds", "2", "--expect-test-tone", "-20"])
      #expect(heard.status == 7, "\(heard)")
      wrong.stop()

      let right = try server.start([Products.streamctl, "test-tone", "--level", "-20"])
      defer { right.stop() }
      #expect(waitUntil(timeout: 10) { right.standardError.contains("playing") })
      let directory = try TemporaryDirectory()
      let wave = directory.path + "/heard.wav"
      let good = try daemon.streamctl(["listen", "--seconds", "3", "--wav", wave, "--json"])
      #expect(good.status == 0, "\(good)")
      let sound = try WaveFile(reading: wave)
      #expect(sound.channels.count == 2)
      for (channel, pitch) in [997.0, 1499.0].enumerated() {
        #expect(abs(Array(sound.channels[channel].suffix(48_000)).usualLevel(of: pitch) + 20) < 0.2)
      }
      for line in good.standardOutput.split(separator: "\n") { _ = try JSON.parse(String(line)) }
      // A level that is off is not intact either.
      #expect(try daemon.streamctl(["listen", "--seconds", "2", "--expect-test-tone", "-17"]).status == 7)
      #expect(try daemon.status()["state"] == "idle")
    }
  }
}
