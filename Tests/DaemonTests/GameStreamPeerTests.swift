import Control
import Glibc
import TestSupport
import Testing
import Wire

extension DaemonTests {
  /// Who GameStream's sound goes to, and when it ends.
  @Suite(.serialized) struct GameStreamPeerTests {
    @Test func soundFollowsTheClientWithinOnePing() throws {
      let server = try PrivatePipeWire()
      let daemon = try DaemonUnderTest(on: server)
      let client = try GameStreamClient(try daemon.openGameStream())
      #expect(waitUntil(timeout: 15) { client.count > 300 })
      for move in 1...3 {
        client.move()
        #expect(waitUntil(timeout: 10) { client.datagrams.last?.socket == move })
      }
      #expect(waitUntil(timeout: 10) { client.datagrams.count { $0.socket == 3 } > 300 })
      let datagrams = client.datagrams
      for move in 1...3 {
        let first = try #require(datagrams.first { $0.socket == move })
        #expect(first.pings == 1, "socket \(move) heard something after \(first.pings) pings only")
        // And the one before hears nothing any more.
        let last = try #require(datagrams.lastIndex { $0.socket == move - 1 })
        #expect(last < datagrams.firstIndex { $0.socket == move }! + 12)
      }
      // Numbers and blocks go on through every move: the client loses nothing on the way.
      let ordered = datagrams.sorted { ($0.socket, 0) < ($1.socket, 0) }
      let counts = try GameStreamSound(client.session, ordered).statistics
      #expect(counts.lost == 0 && counts.late == 0 && counts.malformed == 0, "\(counts)")
      #expect(try daemon.session()["pings"]?["moves"] == 3)
    }

    @Test func forgedPingsMoveNothing() throws {
      let server = try PrivatePipeWire()
      let daemon = try DaemonUnderTest(on: server)
      let client = try GameStreamClient(try daemon.openGameStream())
      let session = client.session
      #expect(waitUntil(timeout: 15) { client.count > 300 && client.pings > 2 })
      let forger = LoopbackSocket()
      var forged: [[UInt8]] = [Array("PING".utf8), Array(session.payload.utf8)]
      for counter: UInt32 in [1, 2, 0, .max, .max - 1000] { forged.append(ping(session.payload, counter)) }
      for counter: UInt32 in [1, 1000, 0x7FFF_FFFF] {
        forged.append(ping("0123456789ABCDEF", counter))
        forged.append(ping(String(session.payload.dropLast()) + "?", counter))
      }
      // Longer than any ping: what comes after is the future's, but nobody sends it now.
      forged.append(ping(session.payload, 2) + [0])
      let before = client.count
      for _ in 0..<20 {
        for bytes in forged { #expect(forger.send(bytes, to: session.port)) }
        usleep(10_000)
      }
      #expect(waitUntil(timeout: 10) { client.count > before + 300 })
      #expect(forger.receive() == nil)
      let counts = try GameStreamSound(session, client.datagrams).statistics
      #expect(counts.lost + counts.late + counts.duplicates + counts.malformed == 0, "\(counts)")
      let pings = try #require(try daemon.session()["pings"])
      // A copy of an old ping comes as far as the daemon; everything else ends in the kernel.
      #expect(pings["moves"] == 0 && (pings["ignored"]?.intValue ?? 0) >= 60, "\(pings)")
      #expect((pings["heard"]?.intValue ?? .max) <= client.pings, "\(pings)")
    }

    @Test func aSilentClientsSessionEndsAndIsToldOf() throws {
      let server = try PrivatePipeWire()
      let daemon = try DaemonUnderTest(on: server)
      let host = try ControlClient(path: daemon.socket)
      _ = try host.request("subscribe", ["topics": ["session-ended"]])
      let kept = try GameStreamClient(try daemon.openGameStream(more: ["timeout_s": 1]))
      let left = try GameStreamClient(try daemon.openGameStream(more: ["timeout_s": 1, "name": "living room"]))
      let never = try daemon.openGameStream(more: ["timeout_s": 1])
      var ended: [String: JSON] = [:]
      func awaitEnd() throws {
        let event = try #require(try host.nextEvent(timeout: .seconds(15)))
        #expect(event.topic == "session-ended")
        ended[event.data["session"]?.stringValue ?? ""] = event.data
      }
      try awaitEnd()
      #expect(ended.keys.first == never.identifier)
      #expect(waitUntil(timeout: 10) { left.pings >= 4 })
      left.fallSilent()
      try awaitEnd()
      let end = try #require(ended[left.session.identifier])
      #expect(end["reason"] == "ping_timeout" && end["name"] == "living room")
      #expect((end["silent_s"]?.doubleValue ?? 0) >= 1)
      let count = left.count
      let before = kept.count
      #expect(waitUntil(timeout: 10) { kept.count > before + 300 })
      #expect(left.count == count, "sound goes on after the end")
      #expect(try daemon.client.request("session.list")["sessions"]?.arrayValue?.count == 1)
      // Its port is free again, and its name.
      _ = try daemon.openGameStream(more: ["port": JSON(Int(left.session.port)), "name": "living room"])
    }

    /// Anybody can send to the port. A second of it, as fast as one thread can.
    @Test func aFloodOfJunkCostsNoPacket() throws {
      let server = try PrivatePipeWire()
      let daemon = try DaemonUnderTest(on: server)
      let client = try GameStreamClient(try daemon.openGameStream())
      let session = client.session
      try daemon.waitUntilHearing()
      #expect(waitUntil(timeout: 15) { client.count > 600 })
      let (before, start) = (Accounts(try daemon.status()), client.count / 6 * 6)
      let forger = LoopbackSocket()
      var random = SystemRandomNumberGenerator()
      let junk = (0..<64).map { index in
        (0..<(index % 2 == 0 ? 20 : Int.random(in: 0...1500, using: &random))).map { _ in
          UInt8.random(in: .min ... .max, using: &random)
        }
      }
      var sent = 0
      let end = monotonicSeconds() + 1
      while monotonicSeconds() < end {
        for bytes in junk where forger.send(bytes, to: session.port) { sent += 1 }
      }
      measured("junk datagrams in a second", Double(sent), "")
      let after = client.count
      #expect(waitUntil(timeout: 10) { client.count > after + 300 })
      let counts = try GameStreamSound(session, client.datagrams[start...]).statistics
      #expect(counts.lost + counts.late + counts.duplicates + counts.malformed == 0, "\(counts)")
      let now = Accounts(try daemon.status())
      print("measured: \(now)")
      // Blocks are skipped only for sound that the server itself lost.
      if !now.hasLoss(since: before) { #expect(counts.skippedBlocks == 0) }
      #expect(now.staleMilliseconds == before.staleMilliseconds && now.floodedMilliseconds == 0)
      let report = try daemon.session()
      #expect(report["pings"]?["moves"] == 0 && report["pings"]?["ignored"] == 0, "\(report)")
      #expect(report["sent"]?["errors"] == 0)
      #expect(forger.receive() == nil && sent > 1000)
    }

    /// Arguments, and the one that is to blame.
    static let refusals: [(String, String)] = [
      (#"{"encrypt":true,"rikey":"00","rikeyid":1}"#, "rikey"),
      (#"{"encrypt":true,"rikey":"000102030405060708090a0b0c0d0e0g","rikeyid":1}"#, "rikey"),
      (#"{"encrypt":true,"rikeyid":1}"#, "rikey"),
      (#"{"encrypt":true,"rikey":"000102030405060708090a0b0c0d0e0f"}"#, "rikeyid"),
      (#"{"encrypt":true,"rikey":"000102030405060708090a0b0c0d0e0f","rikeyid":4294967296}"#, "rikeyid"),
      (#"{"packet_ms":7}"#, "packet_ms"),
      (#"{"packet_ms":0}"#, "packet_ms"),
      (#"{"channels":6,"quality":"high","packet_ms":10}"#, "packet_ms"),
      (#"{"channels":8,"quality":"high","packet_ms":10}"#, "packet_ms"),
      (#"{"bitrate":4000000}"#, "bitrate"),
      (#"{"channels":8,"bitrate":2048000,"packet_ms":10}"#, "packet_ms"),
      (#"{"ping_payload":"0123456789ABCDE"}"#, "ping_payload"),
      (#"{"ping_payload":"0123456789ABCDEFG"}"#, "ping_payload"),
      (#"{"ping_payload":"0123456789ABCDE\u0007"}"#, "ping_payload"),
      (#"{"channels":9}"#, "channels"),
      (#"{"channels":4}"#, "channels"),
      (#"{"channels":1}"#, "channels"),
      (#"{"quality":"best"}"#, "quality"),
      (#"{"surround_params":"642012345"}"#, "surround_params"),
      (#"{"channels":6,"surround_params":"64201234"}"#, "surround_params"),
      (#"{"channels":6,"surround_params":"642012344"}"#, "surround_params"),
      (#"{"bind":"nowhere"}"#, "bind"),
      (#"{"bind":"192.0.2.1"}"#, "bind"),
      (#"{"port":65536}"#, "port"),
      (#"{"client_ip":"host"}"#, "client_ip"),
      (#"{"timeout_s":0}"#, "timeout_s"),
    ]

    @Test func badInputNamesItsField() throws {
      let daemon = try DaemonUnderTest(on: nil, arguments: ["--remote", "/nonexistent/pipewire"])
      for (text, path) in Self.refusals {
        var arguments = try #require(try JSON.parse(text).objectValue)
        arguments["protocol"] = "gamestream"
        let refusal = try Self.refusal(daemon, arguments)
        #expect(refusal.code == .badArgs && refusal.path == path, "\(text): \(refusal)")
        #expect(!refusal.message.isEmpty && !refusal.message.contains(GameStreamSession.key))
      }
      #expect(try daemon.client.request("session.list")["sessions"]?.arrayValue?.isEmpty == true)
      #expect(!daemon.log.contains(GameStreamSession.key))
    }

    @Test func aPortIsTakenOnce() throws {
      let daemon = try DaemonUnderTest(on: nil, arguments: ["--remote", "/nonexistent/pipewire"])
      let first = try daemon.openGameStream()
      let refusal = try Self.refusal(
        daemon, ["protocol": "gamestream", "bind": "127.0.0.1", "port": JSON(Int(first.port))])
      #expect(refusal.code == .conflict && refusal.path == "port", "\(refusal)")
      _ = try daemon.client.request("session.close", ["session": .string(first.identifier)])
      _ = try daemon.openGameStream(more: ["port": JSON(Int(first.port))])
    }

    private static func refusal(_ daemon: DaemonUnderTest, _ arguments: JSONObject) throws -> ControlError {
      do {
        let reply = try daemon.client.request("session.open", arguments)
        throw SupportError("accepted: \(reply)")
      } catch ControlClientError.refused(let refusal) {
        return refusal
      }
    }
  }
}
