import Control
import Glibc
import OpusCodec
import TestSupport
import Testing

extension DaemonTests {
  /// Clients of the socket that break every rule, while a session plays.
  @Suite(.serialized) struct BadInputTests {
    @Test func theSoundDoesNotCare() throws {
      let server = try PrivatePipeWire()
      let daemon = try DaemonUnderTest(on: server)
      let recorder = try PacketRecorder()
      let codec = try daemon.open(recorder, ["bitrate": 192_000])
      try daemon.waitUntilHearing()
      let tone = try TonePlayer(server)
      #expect(try waitUntil(timeout: 15) { try recorder.recording.peaks(codec).suffix(40).allSatisfy { $0 > 0.05 } })
      let (descriptors, before, missed) = (daemon.descriptors, Accounts(try daemon.status()), tone.misses.count)

      let half = try ControlClient(path: daemon.socket)
      try half.send(bytes: Array(#"{"id":1,"op":"sta"#.utf8))
      try badLines(daemon)
      try aLineTooLong(daemon)
      try binary(daemon)
      try manyConnections(daemon)
      try aReaderThatNeverReads(daemon)
      try expectTimeout(half)

      #expect(waitUntil(timeout: 10) { daemon.descriptors == descriptors }, "\(descriptors), now \(daemon.descriptors)")
      let after = Accounts(try daemon.status())
      let recording = recorder.recording
      #expect(recording.sequenceBreaks.isEmpty && recording.sources.count == 1 && recording.malformed == 0)
      measured("longest pause between packets under attack", recording.longestPause * 1000, "ms")
      print("measured: \(after), the player missed \(tone.misses.count - missed)")
      // Cycles that the server itself lost are counted apart.
      if after.missedCycles == before.missedCycles { #expect(!after.hasLoss(since: before)) }
      #expect(after.staleMilliseconds == before.staleMilliseconds && after.floodedMilliseconds == 0)
      #expect(try recording.peaks(codec).suffix(40).allSatisfy { $0 > 0.05 })
    }

    private func reply(_ client: ControlClient, _ line: String) throws -> JSON {
      try client.send(line: line)
      return try JSON.parse(try #require(try client.receiveLine(timeout: .seconds(10))))
    }

    private func badLines(_ daemon: DaemonUnderTest) throws {
      let client = try ControlClient(path: daemon.socket)
      let cases: [(line: String, code: JSON)] = [
        (#"{"id":1,"op":"statos"}"#, "unknown_op"),
        (#"{"id":2,"op":7}"#, "bad_args"),
        (#"{"id":3,"op":"session.open","args":[1]}"#, "bad_args"),
        (#"{"id":4,"op":"session.open","args":{"to":5}}"#, "bad_args"),
        (#"{"id":5,"op":"session.open","args":{"to":"127.0.0.1:99999"}}"#, "bad_args"),
        (#"{"id":6,"op":"session.open","args":{"to":"127.0.0.1:9","channels":"two"}}"#, "bad_args"),
        (#"{"id":7,"op":"session.open","args":{"to":"127.0.0.1:9","channels":5}}"#, "bad_args"),
        (#"{"id":8,"op":"session.open","args":{"to":"127.0.0.1:9","bitrate":6000,"channels":8}}"#, "bad_args"),
        (#"{"id":9,"op":"session.open","args":{"to":"127.0.0.1:9","target":"source:mic"}}"#, "bad_args"),
        (#"{"id":10,"op":"session.close","args":{"session":"s99"}}"#, "not_found"),
        (#"{"id":11,"op":"session.open","args":{"to":"127.0.0.1:9","frame_ms":7.5}}"#, "bad_args"),
        ("[]", "parse"), ("nonsense", "parse"), (String(repeating: "[", count: 5000), "parse"),
      ]
      for (line, code) in cases {
        let answer = try reply(client, line)
        #expect(answer["ok"] == false)
        #expect(answer["error"]?["code"] == code, "\(line.prefix(90)): \(answer)")
        #expect(answer["error"]?["message"]?.stringValue?.isEmpty == false)
      }
      #expect(try client.request("session.list")["sessions"]?.arrayValue?.count == 1)
    }

    private func aLineTooLong(_ daemon: DaemonUnderTest) throws {
      let client = try ControlClient(path: daemon.socket)
      let error = #expect(throws: ControlClientError.self) {
        try client.send(bytes: [UInt8](repeating: 0x61, count: 2 << 20))
        while let line = try client.receiveLine(timeout: .seconds(10)) {
          if let refusal = try JSON.parse(line)["error"] {
            throw ControlClientError.refused(ControlError(json: refusal))
          }
        }
      }
      guard case .refused(let refusal) = error else {
        Issue.record("a line of 2 MiB: \(String(describing: error))")
        return
      }
      #expect(refusal.code == .tooLarge)
    }

    private func binary(_ daemon: DaemonUnderTest) throws {
      let client = try ControlClient(path: daemon.socket)
      var bytes = (0..<4096).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 7) }
      bytes[0] = 0xff
      try client.send(bytes: bytes + [0x0A])
      let first = try JSON.parse(try #require(try client.receiveLine(timeout: .seconds(10))))
      #expect(first["error"]?["code"] == "parse")
    }

    private func manyConnections(_ daemon: DaemonUnderTest) throws {
      var kept: [ControlClient] = []
      var refused = 0
      for _ in 0..<500 {
        do throws(ControlClientError) {
          kept.append(try ControlClient(path: daemon.socket, timeout: .seconds(20)))
        } catch {
          guard case .refused(let reason) = error, reason.code == .busy else {
            Issue.record("\(error)")
            return
          }
          refused += 1
        }
      }
      #expect(kept.count + refused == 500 && kept.count > 50 && kept.count <= 64)
      for client in kept { _ = try client.request("ping") }
    }

    /// Subscribes, asks for thousands of replies, and reads none.
    private func aReaderThatNeverReads(_ daemon: DaemonUnderTest) throws {
      let client = try connect(daemon)
      _ = try client.request("subscribe", ["topics": ["sessions", "levels", "log", "health"]])
      var sent = 0
      while sent < 100_000 {
        do throws(ControlClientError) {
          try client.send(bytes: Array("{\"id\":\(sent),\"op\":\"describe\"}\n".utf8), timeout: .milliseconds(200))
        } catch { break }
        sent += 1
      }
      #expect(sent < 100_000, "nothing holds the flood back")
      // The others are served all the same.
      _ = try daemon.client.request("ping")
    }

    /// The clients of the step before may still be on their way out.
    private func connect(_ daemon: DaemonUnderTest) throws -> ControlClient {
      var client: ControlClient?
      waitUntil(timeout: 10) {
        client = try? ControlClient(path: daemon.socket)
        return client != nil
      }
      return try #require(client)
    }

    private func expectTimeout(_ half: ControlClient) throws {
      let answer = try JSON.parse(try #require(try half.receiveLine(timeout: .seconds(30))))
      #expect(answer["error"]?["code"] == "timeout")
      let farewell = try JSON.parse(try #require(try half.receiveLine(timeout: .seconds(10))))
      #expect(farewell["event"] == "bye")
    }
  }
}
