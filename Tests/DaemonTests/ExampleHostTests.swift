import Control
import Glibc
import TestSupport
import Testing

extension DaemonTests {
  /// The host of `examples/`, with the listener that it names as its client.
  @Suite(.serialized, .enabled(if: Products.python != nil, "python3 is not installed"))
  struct ExampleHostTests {
    private func host(_ daemon: DaemonUnderTest, _ arguments: [String], input: String? = nil) throws -> Child {
      let words = [
        try #require(Products.python), SourceTree.root + "/examples/host/host.py", "--socket", daemon.socket,
      ]
      let all = words + ["--port", "0", "--bind", "127.0.0.1"] + arguments
      // A program's standard input is empty here: the shell puts a pipe in its place.
      return try Child(input.map { ["/bin/sh", "-c", "exec \"$@\" <\"$0\"", $0] + all } ?? all)
    }

    /// The words it gives for its client, once it has told everything.
    private func client(of host: Child) throws -> [String] {
      #expect(waitUntil(timeout: 15) { host.standardOutput.contains("client: streamctl ") || host.status != nil })
      let line = host.standardOutput.split(separator: "\n").first { $0.hasPrefix("client: streamctl ") }
      return try #require(line, "\(host.standardError)").split(separator: " ").dropFirst(2).map { String($0) }
    }

    @Test func theListenerJoinsWhatTheHostOpened() throws {
      let server = try PrivatePipeWire(sinkChannels: 8)
      let daemon = try DaemonUnderTest(on: server)
      let directory = try TemporaryDirectory()
      let player = try server.start([Products.streamctl, "test-tone", "--channels", "8", "--level", "-20"])
      defer { player.stop() }
      let (pipe, lines) = (directory.path + "/commands", directory.path + "/lines.sdp")
      #expect(mkfifo(pipe, 0o600) == 0)
      let commands = open(pipe, O_RDWR | O_CLOEXEC)
      defer { close(commands) }
      let host = try host(
        daemon,
        ["--channels", "8", "--quality", "high", "--encrypt", "--timeout", "2", "--sdp", lines], input: pipe)
      let words = try client(of: host)
      #expect(host.standardOutput.contains("  a=fmtp:97 surround-params=88001234567\n"))

      let listener = try Child([Products.streamctl] + words + ["--json"])
      defer { listener.stop() }
      func loudness() throws -> [Double] {
        guard let line = listener.standardOutput.split(separator: "\n").last else { return [] }
        let channels = try JSON.parse(String(line))["channels"]?.arrayValue ?? []
        return channels.compactMap { $0["rms_dbfs"]?.doubleValue }
      }
      func isHeard(at level: Double) throws -> Bool {
        let all = try loudness()
        return all.count == 8 && all.allSatisfy { abs($0 - level) < 0.5 }
      }
      #expect(try waitUntil(timeout: 15) { try isHeard(at: -23) }, "\(listener.standardOutput)")
      #expect(waitUntil(timeout: 10) { host.standardOutput.contains("the client is at 127.0.0.1:") })
      let command = Array("gain -6\ngain loud\n".utf8)
      #expect(write(commands, command, command.count) == command.count)
      #expect(waitUntil(timeout: 10) { host.standardOutput.contains("gain -6.0 dB, muted False, 2048000 bit/s") })
      #expect(try waitUntil(timeout: 15) { try isHeard(at: -29) }, "\(listener.standardOutput)")
      #expect(waitUntil(timeout: 10) { host.standardOutput.contains("gain DB, mute") })

      listener.signal(SIGINT)
      #expect(listener.wait(timeout: 10) == 0, "\(listener.standardError)")
      let summary = try JSON.parse(String(try #require(listener.standardOutput.split(separator: "\n").last)))
      #expect(summary["lost"] == 0 && summary["undecryptable"] == 0 && summary["corrupt"] == 0, "\(summary)")
      // Nobody pings any more: the daemon ends the session, and the host hears of it.
      #expect(host.wait(timeout: 15) == 0)
      #expect(host.standardOutput.contains("the session ended: ping_timeout"), "\(host.standardOutput)")
      #expect(try daemon.status()["state"] == "idle")
      let key = words[words.firstIndex(of: "--key")! + 1]
      #expect(key.count == 32 && !daemon.log.contains(key))
    }

    @Test func itClosesWhatItOpened() throws {
      let daemon = try DaemonUnderTest(on: nil, arguments: ["--remote", "/nonexistent/pipewire"])
      let host = try host(daemon, [])
      _ = try client(of: host)
      #expect(try daemon.client.request("session.list")["sessions"]?.arrayValue?.count == 1)
      #expect(waitUntil(timeout: 10) { host.standardOutput.contains("silent: ") }, "\(host.standardOutput)")
      host.signal(SIGINT)
      #expect(host.wait(timeout: 10) == 0, "\(host.standardError)")
      #expect(host.standardOutput.contains("closed: 0 packets"), "\(host.standardOutput)")
      #expect(try daemon.client.request("session.list")["sessions"]?.arrayValue?.isEmpty == true)
    }

    @Test func aRefusalIsSaidWithItsField() throws {
      let daemon = try DaemonUnderTest(on: nil, arguments: ["--remote", "/nonexistent/pipewire"])
      let host = try host(daemon, ["--channels", "6", "--quality", "high", "--packet-ms", "10"])
      #expect(host.wait(timeout: 10) == 1)
      #expect(host.standardError.contains("bad_args: ") && host.standardError.contains("(packet_ms)"))
    }
  }
}

extension Products {
  /// What runs the examples, if it is there.
  static let python: String? = {
    let usual: [String] = ["/usr/bin/python3", "/usr/local/bin/python3"]
    return usual.first { access($0, X_OK) == 0 }
  }()
}
