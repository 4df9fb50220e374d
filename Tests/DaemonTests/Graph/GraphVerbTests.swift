import Control
import Glibc
import TestSupport
import Testing

extension DaemonTests {
  /// What may be done to the graph, and what may not.
  @Suite(.serialized) struct GraphVerbTests {
    private func daemon() throws -> DaemonUnderTest {
      try DaemonUnderTest(on: nil, arguments: ["--remote", "/nonexistent/pipewire", "--backend", "null"])
    }

    private func refusal(_ client: ControlClient, _ op: String, _ arguments: JSONObject) -> ControlError? {
      do { _ = try client.request(op, arguments) } catch ControlClientError.refused(let error) { return error } catch {}
      return nil
    }

    @Test func editsAreWholeOrNothing() throws {
      let daemon = try daemon()
      let client = daemon.client
      let good: JSON = [
        ["op": "create_node", "type": "tone", "name": "t", "args": ["frequency": 1000, "channels": 1]],
        ["op": "create_node", "type": "channel_map", "name": "m", "args": ["from": 1, "to": 2]],
        ["op": "create_node", "type": "device_sink", "name": "out"],
        ["op": "connect", "from": "t", "to": "m"], ["op": "connect", "from": "m", "to": "out"],
        ["op": "set_param", "id": "t", "param": "level", "value": -30],
      ]
      let reply = try client.request("commit", ["edits": good])
      #expect(reply["ids"] == [1, 2, 3, nil, nil, nil])
      let before = try client.request("graph")
      let bad: JSON = [
        ["op": "create_node", "type": "gain", "name": "g"], ["op": "connect", "from": "t", "to": "g"],
      ]
      let clash = try #require(refusal(client, "commit", ["edits": bad]))
      #expect(clash.code == .conflict && clash.detail == "channel_clash", "\(clash)")
      #expect(clash.message.contains("t") && clash.message.contains("g"))
      #expect(try client.request("graph")["nodes"] == before["nodes"])
      #expect(try client.request("graph")["generation"] == before["generation"])
    }

    @Test func refusalsSayWhy() throws {
      let daemon = try daemon()
      let client = daemon.client
      for (type, name) in [("gain", "a"), ("gain", "b"), ("device_sink", "out")] {
        _ = try client.request("create_node", ["type": .string(type), "name": .string(name)])
      }
      _ = try client.request("connect", ["from": "a", "to": "b"])
      let cases: [(String, JSONObject, ControlError.Code, String, String)] = [
        ("connect", ["from": "b", "to": "a"], .conflict, "cycle", "a → b"),
        ("connect", ["from": "a", "to": "b"], .conflict, "already_connected", "connected"),
        ("connect", ["from": "a", "to": "c"], .notFound, "unknown_node", "c"),
        ("connect", ["from": "out", "to": "a"], .badArgs, "unknown_port", "out"),
        ("disconnect", ["from": "b", "to": "out"], .conflict, "not_connected", "connection"),
        ("create_node", ["type": "gian"], .badArgs, "unknown_kind", "did you mean gain?"),
        ("create_node", ["type": "gain", "name": "a"], .conflict, "name_taken", "a"),
        ("create_node", ["type": "gain", "args": ["loud": 1]], .badArgs, "unknown_parameter", "loud"),
        ("create_node", ["type": "file_source"], .badArgs, "missing_setting", "path"),
        (
          "create_node", ["type": "file_source", "args": ["path": "/nonexistent.wav"]], .unavailable, "file_error",
          "No such file"
        ),
        ("set_param", ["id": "a", "param": "gain", "value": 99], .badArgs, "out_of_range", "-120"),
        ("set_param", ["id": "a", "param": "gain", "value": "loud"], .badArgs, "bad_graph", "number"),
        ("get", ["id": 77], .notFound, "unknown_node", "77"),
        ("destroy_node", ["id": "nobody"], .notFound, "unknown_node", "nobody"),
      ]
      for (op, arguments, code, detail, words) in cases {
        let error = try #require(refusal(client, op, arguments), "\(op) \(arguments)")
        #expect(error.code == code && error.detail == detail, "\(op) \(arguments): \(error)")
        #expect(error.message.contains(words), "\(op): \(error.message)")
      }
      let driver = try #require(refusal(client, "backend", ["driver": "oss"]))
      #expect(driver.code == .badArgs)
      let rate = try #require(refusal(client, "device_open", ["rate": 1]))
      #expect(rate.code == .badArgs && rate.path == "rate")
      let orphans = try client.request("graph")["orphans"]
      #expect(orphans == [3])
    }

    /// A client's nodes are bounded, and others' edits go on.
    @Test func quotas() throws {
      let daemon = try daemon()
      for part in 0..<4 {
        let edits = (0..<256).map { JSON.object(["op": "create_node", "type": "gain", "name": "g\(part * 256 + $0)"]) }
        _ = try daemon.client.request("commit", ["edits": .array(edits)])
      }
      let error = try #require(refusal(daemon.client, "create_node", ["type": "gain"]))
      #expect(error.code == .busy && error.detail == "quota")
      let other = try ControlClient(path: daemon.socket)
      _ = try other.request("create_node", ["type": "gain"])
      _ = try daemon.client.request("destroy_node", ["id": "g7"])
      _ = try daemon.client.request("create_node", ["type": "gain"])
      // Of memory, too: 30 MiB each.
      let greedy = try ControlClient(path: daemon.socket)
      let delay: JSONObject = ["type": "delay", "args": ["maximum": 10_000, "channels": 8]]
      for _ in 0..<4 { _ = try greedy.request("create_node", delay) }
      #expect(refusal(greedy, "create_node", delay)?.detail == "quota")
      _ = try other.request("create_node", delay)
    }

    /// A document goes in and comes out; what `streamctl` shows is that.
    @Test func documents() throws {
      let daemon = try daemon()
      let directory = try TemporaryDirectory()
      let example = SourceTree.root + "/examples/graphs/voice.json"
      let loaded = try daemon.streamctl(["graph", "load", example, "--start"])
      #expect(loaded.status == 0, "\(loaded)")
      #expect(try waitUntil(timeout: 10) { try daemon.client.request("graph")["state"]?["value"] == "running" })
      let first = directory.path + "/first.json"
      #expect(try daemon.streamctl(["graph", "save", first]).status == 0)
      #expect(try daemon.streamctl(["graph", "load", first]).status == 0)
      let again = try daemon.streamctl(["graph", "save"])
      let kept = try Child.run(["cat", first]).standardOutput
      #expect(again.standardOutput == kept)
      let names = try #require(try JSON.parse(kept)["nodes"]?.arrayValue?.compactMap { $0["name"]?.stringValue })
      let shown = try daemon.streamctl(["graph"]).standardOutput
      let drawn = try daemon.streamctl(["graph", "show", "--dot"]).standardOutput
      for name in names {
        #expect(shown.contains(name), "\(name): \(shown)")
        #expect(drawn.contains("label=\"\(name)"), "\(name)")
      }
      #expect(shown.hasPrefix("graph running on null"))
      let broken = directory.path + "/broken.json"
      _ = try Child.run(["sh", "-c", "echo '{\"nodes\":[{\"kind\":\"gian\"}]}' > \(broken)"])
      let refused = try daemon.streamctl(["graph", "load", broken])
      #expect(refused.status != 0 && refused.standardError.contains("did you mean gain"), "\(refused)")
      #expect(try daemon.streamctl(["graph", "save"]).standardOutput == kept)
      #expect(try daemon.streamctl(["graph", "stop"]).status == 0)
    }

    /// Another sound system under the same graph: nodes keep their state, the tone goes on.
    @Test func theDeviceMayChange() throws {
      let server = try PrivatePipeWire()
      let daemon = try DaemonUnderTest(on: server, arguments: ["--backend", "null"])
      let client = daemon.client
      _ = try client.request(
        "commit",
        [
          "edits": [
            ["op": "create_node", "type": "tone", "name": "t", "args": ["frequency": 997, "level": -12]],
            ["op": "create_node", "type": "device_sink", "name": "out"], ["op": "connect", "from": "t", "to": "out"],
          ]
        ])
      _ = try client.request("start")
      for (driver, device) in [("null", "null"), ("pipewire", PrivatePipeWire.sinkName), ("null", "null")] {
        _ = try client.request("backend", ["driver": .string(driver)])
        #expect(
          try waitUntil(timeout: 15) {
            let state = try client.request("graph")["state"]
            return state?["value"] == "running" && state?["device"]?.stringValue == device
          }, "\(driver)")
        guard driver == "pipewire" else { continue }
        let listener = try SinkListener(server)
        let verdict = try #require(ToneVerdict(bestOf: listener.record(seconds: 1), frequency: 997))
        #expect(abs(verdict.level + 12) < 0.01, "\(verdict)")
      }
      // At another rate everything is made anew.
      _ = try client.request("device_open", ["rate": 44_100, "driver": "pipewire"])
      let listener = try SinkListener(server)
      var best = -200.0
      #expect(
        waitUntil(timeout: 15) {
          best = ToneVerdict(bestOf: listener.record(seconds: 0.5), frequency: 997)?.level ?? -200
          return abs(best + 12) < 0.05
        }, "\(best)")
    }
  }
}
