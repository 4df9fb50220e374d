import Glibc
import Testing

@testable import Control

extension Live {
  /// Clients that break the rules, on purpose or not.
  @Suite struct HostileTests {
    @Test(arguments: ["{\"op\":", "x", " "])
    func halfALineTimesOut(start: String) async throws {
      try await Harness.run { limits in
        limits.lineTimeout = .milliseconds(30)
      } serving: { harness in
        let client = try harness.connect()
        #expect(try client.exchange(#"{"id":1,"op":"ping"}"#)["ok"] == true)
        try client.send(bytes: Array(start.utf8))
        let lines = try client.receiveAll()
        #expect(lines.count == 2)
        #expect(lines[0]["error"]?["code"] == "timeout")
        #expect(lines[1] == ["event": "bye", "reason": "timeout"])
      }
    }

    /// Every byte comes before the previous one's patience ends; the line as a whole does not.
    @Test func drippingBytesDoNotProlongTheTimeout() async throws {
      try await Harness.run { limits in
        limits.lineTimeout = .milliseconds(60)
      } serving: { harness in
        let client = try harness.connect()
        var closed = false
        for _ in 0..<2000 where !closed {
          do {
            try client.send(bytes: [0x20])
          } catch {
            closed = true
          }
          usleep(5000)
        }
        #expect(closed)
      }
    }

    @Test func idleClientsAreLeftAlone() async throws {
      try await Harness.run { limits in
        limits.lineTimeout = .milliseconds(10)
      } serving: { harness in
        let client = try harness.connect()
        #expect(try client.receiveLine(timeout: .milliseconds(100)) == nil)
        #expect(try client.exchange(#"{"id":1,"op":"ping"}"#)["ok"] == true)
      }
    }

    @Test func aLineOfTwoMebibytesIsRefused() async throws {
      try await Harness.run { harness in
        let client = try harness.connect()
        let line =
          Array(#"{"op":"test.echo","args":{"port":1,"note":""#.utf8) + [UInt8](repeating: 0x78, count: 2 << 20)
        let failure = #expect(throws: ControlClientError.self) {
          try client.send(bytes: line)
          throw ControlClientError.refused(ControlError(json: try #require(try client.receiveJSON()["error"])))
        }
        guard case .refused(let error) = failure else {
          Issue.record("\(String(describing: failure))")
          return
        }
        #expect(error.code == .tooLarge)
        await harness.until { harness.socket.clientCount == 0 }
        _ = try harness.connect().request("ping")
      }
    }

    @Test func aLineOfNearlyOneMebibyteIsServed() async throws {
      try await Harness.run { harness in
        let client = try harness.connect()
        let note = String(repeating: "x", count: (1 << 20) - 200)
        let result = try client.request("test.echo", ["port": 1, "note": .string(note)])
        #expect(result["note"]?.stringValue?.utf8.count == note.utf8.count)
        // The same answer twice in one line does not fit.
        let half = String(repeating: "y", count: 400_000)
        let one = #"{"op":"test.echo","args":{"port":1,"note":"\#(half)"}}"#
        #expect(try client.exchange("{\"id\":4,\"batch\":[\(one),\(one)]}")["id"] == 4)
        let escaped = String(repeating: "\\b", count: 200_000)
        let grown = #"{"op":"test.echo","args":{"port":1,"note":"\#(escaped)"}}"#
        let reply = try client.exchange("{\"id\":5,\"batch\":[\(grown)]}")
        #expect(reply["id"] == 5)
        #expect(reply["error"]?["code"] == "too_large")
      }
    }

    @Test func binaryLinesAreRefusedOneByOne() async throws {
      try await Harness.run { harness in
        let client = try harness.connect()
        var random = Random(state: 99)
        for _ in 0..<15 {
          let junk = [0xFF] + (0..<200).map { _ in UInt8(truncatingIfNeeded: random.next()) }.filter { $0 != 0x0A }
          try client.send(bytes: junk + [0x0A])
          #expect(try client.receiveJSON()["error"]?["code"] == "parse")
        }
        #expect(try client.exchange(#"{"id":1,"op":"ping"}"#)["ok"] == true)
        try client.send(bytes: [UInt8](repeating: 0x0A, count: 1000))
        for _ in 0..<15 { #expect(try client.exchange("\"\u{1}\"")["error"]?["code"] == "parse") }
        try client.send(line: "last")
        let lines = try client.receiveAll()
        #expect(lines.map { $0["error"]?["code"] } == ["parse", nil])
        #expect(lines.last?["reason"] == "parse")
      }
    }

    @Test func fiveHundredConnectionsAreBounded() async throws {
      try await Harness.run { harness in
        for _ in 0..<2 {
          var kept: [ControlClient] = []
          var refused: [ControlError] = []
          for _ in 0..<500 {
            do throws(ControlClientError) {
              kept.append(try ControlClient(path: harness.path, timeout: .seconds(20)))
            } catch {
              guard case .refused(let reason) = error else { throw error }
              refused.append(reason)
            }
          }
          #expect(kept.count == 64)
          #expect(refused.count == 436)
          #expect(refused.allSatisfy { $0.code == .busy && $0.retry != nil })
          for client in kept { _ = try client.request("ping") }
          kept = []
          await harness.until { harness.socket.clientCount == 0 }
        }
      }
    }

    /// Thousands of requests without reading a reply: they wait in the sockets, not in the daemon, and in the end all
    /// are answered in order.
    @Test func aFloodWaitsItsTurn() async throws {
      try await Harness.run { harness in
        let flooder = try harness.connect()
        let other = try harness.connect()
        var sent = 0
        while sent < 200_000 {
          do throws(ControlClientError) {
            try flooder.send(bytes: Array("{\"id\":\(sent),\"op\":\"ping\"}\n".utf8), timeout: .milliseconds(200))
          } catch {
            break
          }
          sent += 1
        }
        #expect(sent < 200_000, "nothing holds the flood back")
        _ = try other.request("ping")
        #expect(await harness.socket.waitingBytes.allSatisfy { $0 <= 256 * 1024 })
        for id in 0..<sent { #expect(try flooder.receiveJSON()["id"] == JSON(id)) }
      }
    }

    @Test func anAbruptEndInTheMiddleIsHarmless() async throws {
      try await Harness.run { harness in
        for round in 0..<100 {
          let client = try harness.connect()
          try client.send(bytes: Array(String(repeating: #"{"op":"describe"}"# + "\n", count: round % 7).utf8))
          try client.send(bytes: Array("{\"op\":".utf8))
        }
        await harness.until { harness.socket.clientCount == 0 }
        _ = try harness.connect().request("ping")
      }
    }

    @Test func runningOutOfDescriptorsTurnsClientsAway() async throws {
      try await Harness.run { harness in
        _ = try harness.connect().request("ping")
        await harness.until { harness.socket.clientCount == 0 }
        let probe = try UnixSocket.open()
        var limit = rlimit()
        try #require(getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
        let before = limit
        limit.rlim_cur = rlim_t(probe.number + 20)
        try #require(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
        var fillers: [Int32] = []
        while case let filler = dup(0), filler >= 0 { fillers.append(filler) }
        try UnixSocket.connect(probe, to: harness.path)
        let answered = try probe.wait(for: POLLIN, until: .now + .seconds(20))
        for filler in fillers { close(filler) }
        limit = before
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        #expect(answered)
        var buffer = [UInt8](repeating: 0, count: 4096)
        var none: [DescriptorParcel] = []
        guard case .bytes(let count) = probe.receive(into: &buffer, &none, limit: 0) else {
          Issue.record("no answer")
          return
        }
        let line = try JSON.parse(buffer[..<count])
        #expect(line["error"]?["code"] == "busy")
        #expect(await harness.socket.statistics.refused < 5)
        _ = try harness.connect().request("ping")
      }
    }

    /// Random bytes in random pieces from many clients: whatever they get, the daemon stays.
    @Test func noiseLeavesTheServerStanding() async throws {
      try await Harness.run { harness in
        var random = Random(state: 0xBAD)
        let texts = [
          #"{"id":1,"op":"describe","args":{}}"#, #"{"cmd":"subscribe","events":["log"]}"#,
          #"{"batch":[{"op":"ping"}]}"#,
        ]
        for round in 0..<200 {
          let client = try harness.connect()
          var bytes = Array((texts[round % 3] + "\n").utf8)
          for _ in 0..<20 {
            random.damage(&bytes)
            if (try? client.send(bytes: bytes, timeout: .seconds(20))) == nil { break }
          }
        }
        await harness.until { harness.socket.clientCount == 0 }
        _ = try harness.connect().request("ping")
      }
    }
  }
}
