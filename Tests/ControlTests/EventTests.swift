import Glibc
import Testing

@testable import Control

extension Live {
  @Suite struct EventTests {
    @Test func subscribingGivesSnapshotThenRisingRevisions() async throws {
      try await Harness.run { harness in
        await harness.publish("state", ["value": "before"])
        let client = try harness.connect()
        let answer = try client.request("subscribe", ["topics": ["state", "log"]])
        let expected: JSON = [
          "topics": ["state": ["rev": 1, "snapshot": ["value": "idle"]], "log": ["rev": 0, "snapshot": nil]]
        ]
        #expect(answer == expected)
        await harness.publish("state", ["value": "running"])
        await harness.publish("log", "one")
        await harness.publish("log", "two")
        let events = try (0..<3).map { _ in try #require(try client.nextEvent(timeout: .seconds(20))) }
        #expect(events.map(\.topic) == ["state", "log", "log"])
        #expect(events.map(\.revision) == [2, 1, 2])
        #expect(events.map(\.data) == [["value": "running"], "one", "two"])
        #expect(events.allSatisfy { $0.line["id"] == nil })
        #expect(try client.request("unsubscribe", ["topics": ["log"]]) == ["topics": ["state"]])
        await harness.publish("log", "three")
        await harness.publish("state", ["value": "done"])
        #expect(try client.nextEvent(timeout: .seconds(20))?.data == ["value": "done"])
        #expect(try client.request("unsubscribe") == ["topics": []])
      }
    }

    /// Fifty a millisecond apart: one at once, and whatever is the latest each time the interval has passed.
    @Test func aSubscriberChoosesHowOften() async throws {
      try await Harness.run { harness in
        let client = try harness.connect()
        _ = try client.request("subscribe", ["topics": ["state", "log"], "max_hz": 10])
        for round in 1...50 {
          await harness.publish("state", ["value": JSON(round)])
          await harness.publish("log", JSON(round))
          usleep(1000)
        }
        var states: [Int] = []
        var logs = 0
        while states.last != 50, let event = try client.nextEvent(timeout: .seconds(20)) {
          if event.topic == "log" { logs += 1 } else { states.append(event.data["value"]?.intValue ?? 0) }
        }
        #expect(states.first == 1 && states.last == 50 && states.count < 20, "\(states)")
        #expect(states == states.sorted() && logs == 50, "\(logs)")
        // Who goes takes what waits along.
        _ = try client.request("unsubscribe")
        await harness.publish("state", ["value": 51])
        #expect(try client.nextEvent(timeout: .milliseconds(300)) == nil)
        let refused = try client.exchange(#"{"op":"subscribe","args":{"topics":["log"],"max_hz":0}}"#)
        #expect(refused["error"]?["path"] == "max_hz")
      }
    }

    @Test func unknownTopicsSubscribeToNothing() async throws {
      try await Harness.run { harness in
        let client = try harness.connect()
        let reply = try client.exchange(#"{"id":1,"op":"subscribe","args":{"topics":["log","stat"]}}"#)
        #expect(reply["error"]?["code"] == "not_found")
        #expect(reply["error"]?["path"] == "topics[1]")
        #expect(reply["error"]?["hint"] == "state")
        #expect(await !harness.socket.bus.hasSubscribers("log"))
        #expect(try client.exchange(#"{"op":"subscribe","args":{"topics":"log"}}"#)["error"]?["path"] == "topics")
      }
    }

    /// A bar that is stopped and continued: it must cost little meanwhile and find the present state afterwards.
    @Test func aReaderThatNeverReadsIsCoalescedAndHarmsNobody() async throws {
      try await Harness.run { harness in
        let sleeper = try harness.connect()
        try sleeper.send(line: #"{"id":1,"op":"subscribe","args":{"topics":["state","log"]}}"#)
        let other = try harness.connect()
        _ = try other.request("subscribe", ["topics": ["log"]])
        let filler = JSON.string(String(repeating: "x", count: 2000))
        for round in 1...300 {
          await harness.publishRound(round, filler)
          #expect(try other.request("ping")["name"] == "streamd")
        }
        #expect(await harness.socket.clientCount == 2)
        #expect(await harness.socket.statistics.lostEvents > 1000)
        let waiting = await harness.socket.waitingBytes
        #expect(waiting.allSatisfy { $0 <= 256 * 1024 })
        var last: ControlEvent?
        var lost = 0
        while let event = try sleeper.nextEvent(timeout: .seconds(20)) {
          lost += event.lost
          if event.topic == "state" { last = event }
          if event.topic == "state", event.revision == 3000 { break }
        }
        #expect(last?.data["round"] == 300)
        #expect(lost > 1000)
      }
    }

    @Test func aReaderTooSlowForItsStateIsClosedWithAReason() async throws {
      try await Harness.run { limits in
        limits.closeGrace = .seconds(20)
      } serving: { harness in
        let sleeper = try harness.connect()
        try sleeper.send(line: #"{"id":1,"op":"subscribe","args":{"topics":["state"]}}"#)
        await harness.until { harness.socket.bus.hasSubscribers("state") }
        let filler = JSON.string(String(repeating: "x", count: 4000))
        var key = 0
        while await harness.socket.bus.hasSubscribers("state"), key < 5000 {
          await harness.publish("state", filler, key: "\(key)")
          key += 1
          await Task { @ControlActor in }.value
        }
        #expect(key < 5000)
        let lines = try sleeper.receiveAll()
        #expect(lines.last?["event"] == "bye")
        #expect(lines.last?["reason"] == "slow_reader")
        #expect(await harness.socket.clientCount == 0)
      }
    }

    @Test func aFarewellNobodyReadsIsCutShort() async throws {
      try await Harness.run { limits in
        limits.closeGrace = .milliseconds(20)
      } serving: { harness in
        let sleeper = try harness.connect()
        try sleeper.send(line: #"{"id":1,"op":"subscribe","args":{"topics":["state"]}}"#)
        await harness.until { harness.socket.bus.hasSubscribers("state") }
        for key in 0..<200 {
          await harness.publish("state", .string(String(repeating: "x", count: 2000)), key: "\(key)")
        }
        await harness.socket.close(reason: "shutdown")
        #expect(await harness.socket.clientCount == 0)
      }
    }

    @Test func shutdownSaysGoodbyeAndRemovesTheSocket() async throws {
      try await Harness.run { harness in
        let clients = try (0..<5).map { _ in try harness.connect() }
        _ = try clients[0].request("ping")
        try clients[1].send(line: #"{"id":1,"op":"test.gate"}"#)
        await harness.until { harness.daemon.gates.count == 1 }
        await harness.socket.close(reason: "shutdown")
        for client in clients { #expect(try client.receiveAll() == [["event": "bye", "reason": "shutdown"]]) }
        await harness.openGate()
        #expect(throws: ControlClientError.notRunning(path: harness.path)) { try harness.connect() }
      }
    }

    @Test func closeHandlersRunOnce() async throws {
      try await Harness.run { harness in
        let client = try harness.connect()
        await harness.countClose()
        _ = try client.request("ping")
        await harness.socket.close(reason: "x")
        #expect(await harness.daemon.calls == 1)
      }
    }
  }
}

extension Harness {
  @ControlActor func publishRound(_ round: Int, _ filler: JSON) {
    for _ in 0..<10 {
      socket.bus.publish("state", ["round": JSON(round), "filler": filler])
      socket.bus.publish("log", ["round": JSON(round), "filler": filler])
    }
  }

  @ControlActor func countClose() { for session in socket.sessions { session.onClose { daemon.calls += 1 } } }
}
