import Glibc
import Testing

@testable import Control

extension Live {
  @Suite struct ProtocolTests {
    @Test func helloComesFirst() async throws {
      try await Harness.run { harness in
        let hello = try harness.connect().hello
        #expect(hello["event"] == "hello")
        #expect(hello["name"] == "streamd")
        #expect(hello["version"] == "1.2.3")
        #expect(hello["protocol"] == ["major": 1, "minor": 0])
        #expect(hello["features"] == ["batch", "describe", "descriptors", "flat", "subscribe"])
        #expect(hello["pid"] == JSON(getpid()))
        #expect(hello["instance"]?.stringValue?.count == 16)
      }
    }

    @Test func idsAreEchoedAsGiven() async throws {
      try await Harness.run { harness in
        let client = try harness.connect()
        #expect(try client.exchange(#"{"id":7,"op":"ping"}"#)["id"] == 7)
        #expect(try client.exchange(#"{"id":"a b","op":"ping","args":{}}"#)["id"] == "a b")
        #expect(try client.exchange(#"{"id":null,"op":"ping"}"#)["id"] == nil)
        let bare = try client.exchange(#"{"op":"ping"}"#)
        #expect(bare == ["ok": true, "result": ["name": "streamd", "version": "1.2.3"]])
        for id in ["1.5", "{}", "[]", "true", "\"\(String(repeating: "x", count: 257))\""] {
          let reply = try client.exchange("{\"id\":\(id),\"op\":\"ping\"}")
          #expect(reply["error"]?["code"] == "bad_args")
          #expect(reply["error"]?["path"] == "id")
        }
      }
    }

    @Test func flatRequestsGetFlatReplies() async throws {
      try await Harness.run { harness in
        let client = try harness.connect()
        try client.send(line: #"{"cmd":"ping"}"#)
        #expect(try client.receiveLine(timeout: .seconds(20)) == #"{"ok":true,"name":"streamd","version":"1.2.3"}"#)
        let beside = try client.exchange(#"{"cmd":"test.echo","port":5,"id":"i"}"#)
        #expect(beside == ["ok": true, "id": "i", "port": 5, "mode": "fast"])
        let nested = try client.exchange(#"{"cmd":"test.echo","args":{"port":5},"mode":"slow"}"#)
        #expect(nested == ["ok": true, "port": 5, "mode": "slow"])
        let twice = try client.exchange(#"{"cmd":"test.echo","args":{"port":5},"port":6}"#)
        #expect(twice["error"]?["path"] == "port")
        let node = try client.exchange(#"{"cmd":"test.node","id":3,"args":{"db":-6}}"#)
        #expect(node == ["ok": true, "id": 7, "got": ["id": 3, "args": ["db": -6]]])
        let unknown = try client.exchange(#"{"cmd":"pong","id":1}"#)
        #expect(unknown["id"] == 1)
        #expect(unknown["ok"] == false)
        #expect(unknown["error"]?["hint"] == "ping")
        #expect(try client.exchange(#"{"cmd":7}"#)["error"]?["path"] == "cmd")
        #expect(try client.exchange(#"{"cmd":"ping","args":7}"#)["error"]?["path"] == "args")
      }
    }

    @Test func badRequestsSayWhatIsWrong() async throws {
      try await Harness.run { harness in
        let client = try harness.connect()
        func error(_ line: String) throws -> [String?] {
          let reply = try client.exchange(line)
          #expect(reply["ok"] == false)
          #expect(reply["result"] == nil)
          #expect(reply["error"]?["message"]?.stringValue?.isEmpty == false)
          return ["code", "path", "hint"].map { reply["error"]?[$0]?.stringValue }
        }
        #expect(try error(#"{"id":1,"op":"descrbe"}"#) == ["unknown_op", "op", "describe"])
        #expect(try error(#"{"id":1,"op":"zzzzzzzz"}"#) == ["unknown_op", "op", nil])
        #expect(try error(#"{"id":1,"op":7}"#) == ["bad_args", "op", nil])
        #expect(try error(#"{"id":1}"#) == ["bad_args", "op", nil])
        #expect(try error(#"{"id":1,"op":"ping","arg":{}}"#) == ["bad_args", "arg", "args"])
        #expect(try error(#"{"id":1,"op":"ping","args":[]}"#) == ["bad_args", "args", nil])
        #expect(try error(#"{"id":1,"op":"ping","args":{"x":1}}"#) == ["bad_args", "x", nil])
        #expect(try error(#"{"id":1,"op":"test.echo","args":{"port":"5"}}"#) == ["bad_args", "port", nil])
        #expect(try error(#"{"id":1,"op":"test.echo","args":{"port":65536}}"#) == ["bad_args", "port", nil])
        #expect(try error(#"{"id":1,"op":"test.echo","args":{"prot":5}}"#) == ["bad_args", "prot", "port"])
        #expect(try error(#"{"id":1,"op":"test.stranger"}"#)[0] == "internal")
        #expect(try error("[1]") == ["parse", nil, nil])
        #expect(try error("{") == ["parse", nil, nil])
        #expect(await harness.daemon.calls == 0)
        #expect(try client.exchange(#"{"op":"ping"}"#)["ok"] == true)
      }
    }

    @Test func describeListsEverything() async throws {
      try await Harness.run { harness in
        let client = try harness.connect()
        let description = try client.request("describe")
        #expect(
          description["ops"]?.objectValue?.keys == [
            "describe", "ping", "subscribe", "test.echo", "test.gate", "test.node", "test.pass", "test.stranger",
            "test.take", "unsubscribe",
          ])
        #expect(description["ops"]?["test.echo"]?["args"]?["properties"]?["port"]?["maximum"] == 65535)
        #expect(description["ops"]?["test.gate"]?["deferred"] == true)
        #expect(description["topics"]?["log"] == ["kind": "log", "summary": "what happened"])
        #expect(description["errors"]?.objectValue?.count == 11)
        for op in try #require(description["ops"]?.objectValue) {
          #expect(op.value["summary"]?.stringValue?.isEmpty == false)
          #expect(try client.request("describe", ["op": .string(op.key)]) == op.value)
        }
        #expect(throws: ControlClientError.self) { try client.request("describe", ["op": "pong"]) }
      }
    }

    @Test func batchesAnswerInOrder() async throws {
      try await Harness.run { harness in
        let client = try harness.connect()
        let reply = try client.exchange(
          #"{"id":9,"batch":[{"id":1,"op":"ping"},{"id":2,"op":"nope"},{"cmd":"ping"},{"batch":[]},5,{"id":3,"op":"ping"}]}"#
        )
        #expect(reply["id"] == 9)
        #expect(reply["ok"] == true)
        let replies = try #require(reply["batch"]?.arrayValue)
        #expect(replies.map { $0["id"] } == [1, 2, nil, nil, nil, 3])
        #expect(replies.map { $0["ok"] } == [true, false, true, false, false, true])
        #expect(replies[2]["name"] == "streamd")
        let many = Array(repeating: #"{"op":"ping"}"#, count: 65).joined(separator: ",")
        #expect(try client.exchange("{\"id\":1,\"batch\":[\(many)]}")["error"]?["code"] == "too_large")
        #expect(try client.exchange(#"{"id":1,"batch":7}"#)["error"]?["path"] == "batch")
        #expect(try client.exchange(#"{"id":1,"batch":[],"atomic":true}"#)["error"]?["path"] == "atomic")
        #expect(try client.exchange(#"{"batch":[]}"#) == ["ok": true, "batch": []])
      }
    }

    @Test func deferredVerbsAnswerLater() async throws {
      try await Harness.run { limits in
        limits.deferredRequests = 2
      } serving: { harness in
        let client = try harness.connect()
        try client.send(line: #"{"id":1,"op":"test.gate"}"#)
        try client.send(line: #"{"id":2,"batch":[{"id":3,"op":"test.gate"},{"id":4,"op":"ping"}]}"#)
        try client.send(line: #"{"id":5,"op":"test.gate"}"#)
        #expect(try client.receiveJSON()["error"]?["code"] == "busy")
        #expect(try client.exchange(#"{"id":6,"op":"ping"}"#)["id"] == 6)
        await harness.until { harness.daemon.gates.count == 2 }
        await harness.openGate()
        #expect(try client.receiveJSON() == ["id": 1, "ok": true, "result": nil])
        await harness.openGate()
        let batch = try client.receiveJSON()
        #expect(batch["batch"]?.arrayValue?.map { $0["id"] } == [3, 4])
        #expect(try client.exchange(#"{"id":7,"op":"ping"}"#)["id"] == 7)
      }
    }

    @Test func deferredVerbsAreCancelledWithTheirClient() async throws {
      try await Harness.run { harness in
        var client: ControlClient? = try harness.connect()
        try client?.send(line: #"{"id":1,"op":"test.gate"}"#)
        await harness.until { harness.daemon.gates.count == 1 }
        client = nil
        await harness.until { harness.socket.clientCount == 0 }
        await harness.openGate()
        await harness.until { harness.daemon.cancelled == 1 }
      }
    }

    /// As `printf … | socat - UNIX:…` does it: the last line has no end, and the sender shuts its side.
    @Test func halfClosedClientsGetTheirReplies() async throws {
      try await Harness.run { harness in
        let client = try harness.connect()
        try client.send(
          bytes: Array((String(repeating: #"{"op":"ping"}"# + "\n", count: 40) + #"{"id":1,"op":"ping"}"#).utf8))
        shutdown(client.descriptor.number, Int32(SHUT_WR))
        let replies = try client.receiveAll()
        #expect(replies.count == 41)
        #expect(replies.last?["id"] == 1)
      }
    }

    @Test func halfClosedSubscribersKeepListening() async throws {
      try await Harness.run { harness in
        let client = try harness.connect()
        try client.send(line: #"{"cmd":"subscribe","events":["log"]}"#)
        shutdown(client.descriptor.number, Int32(SHUT_WR))
        #expect(try client.receiveJSON()["ok"] == true)
        await harness.publish("log", ["usec": 341])
        #expect(try client.receiveJSON() == ["event": "log", "rev": 1, "usec": 341])
      }
    }
  }
}

extension Harness {
  @ControlActor func openGate() { daemon.gates.removeFirst().resume() }
}
