import Control
import Glibc
import TestSupport
import Testing
import Wire

extension DaemonTests {
  /// Several clients at once, and how they come and go.
  @Suite(.serialized) struct MicTalkersTests {
    /// Both GameStream clients send from one address to one port, each with a key of its own.
    @Test func twoBehindOneAddress() throws {
      let field = try MicField()
      let other = String(repeating: "5a", count: 16)
      let first = try field.openGameStream(.plain)
      let shared = JSON(Int(first.wire.port))
      let second = try field.openGameStream(.packed, secret: other, ["port": shared])
      let third = try field.openSealed(["port": shared])
      let voices = try [
        MicVoice(first.wire, sound: MicVoice.tone(997)), MicVoice(second.wire, sound: MicVoice.tone(1499)),
        MicVoice(third.wire, sound: MicVoice.tone(2503)),
      ]
      defer { for voice in voices { voice.stop() } }
      for id in [first.id, second.id, third.id] { try field.waitUntilHeard(id) }
      let tail = try RecordedTail(field.server)
      defer { tail.stop() }
      _ = tail.next(seconds: 0.5)
      try expect([997, 1499, 2503], in: tail.next(seconds: 1))
      // Each of them is known by its own key.
      _ = try field.daemon.client.request("mic.close", ["mic": .string(first.id)])
      _ = tail.next(seconds: 0.3)
      try expect([1499, 2503], in: tail.next(seconds: 1), none: [997])
      #expect(try field.mic(first.id) == .null)
      for id in [second.id, third.id] {
        let mic = try field.mic(id)
        #expect(mic["lost"] == 0 && mic["garbage"] == 0, "\(mic)")
      }
    }

    /// A source for one client alone, beside the one with everybody in it.
    @Test func ownSources() throws {
      let field = try MicField()
      let own = try field.openSealed(["own_source": true, "name": "sofa"])
      let beside = try field.openSealed()
      let voices = try [
        MicVoice(own.wire, sound: MicVoice.tone(997)), MicVoice(beside.wire, sound: MicVoice.tone(1499)),
      ]
      defer { for voice in voices { voice.stop() } }
      for id in [own.id, beside.id] { try field.waitUntilHeard(id) }
      let node = try #require(try field.mic(own.id)["own_source"]?.stringValue)
      #expect(try field.mic(beside.id)["own_source"] == nil)
      #expect(try waitUntil(timeout: 10) { try field.server.nodes().contains(node) })
      let (alone, summed) = (try RecordedTail(field.server, source: node), try RecordedTail(field.server))
      defer {
        alone.stop()
        summed.stop()
      }
      _ = summed.next(seconds: 0.5)
      try field.judge("a source of one's own", alone.next(seconds: 1))
      try expect([997, 1499], in: summed.next(seconds: 1))
      // Muted alone, it is silent in both; the other is not.
      _ = try field.daemon.client.request("mic.update", ["mic": "sofa", "muted": true])
      _ = alone.next(seconds: 0.3)
      #expect(alone.next(seconds: 0.5).allSatisfy { $0 == 0 })
      try expect([1499], in: summed.next(seconds: 0.5), none: [997])
      alone.stop()
      _ = try field.daemon.client.request("mic.close", ["mic": "sofa"])
      #expect(try waitUntil(timeout: 10) { try !field.server.nodes().contains(node) })
      #expect(try field.server.nodes().contains(MicField.source))
    }

    /// Many talk at once: nobody's tone is lost, and what is too loud together does not wrap around.
    @Test func manyAreSummed() throws {
      let field = try MicField()
      let first = try field.openSealed()
      let shared = JSON(Int(first.wire.port))
      let opened = [first] + (try (1..<6).map { _ in try field.openSealed(["port": shared]) })
      let tones = [401.0, 701, 997, 1499, 1999, 2503]
      let voices = try zip(opened, tones).map { try MicVoice($0.wire, sound: MicVoice.tone($1)) }
      defer { for voice in voices { voice.stop() } }
      for one in opened { try field.waitUntilHeard(one.id) }
      let tail = try RecordedTail(field.server)
      defer { tail.stop() }
      _ = tail.next(seconds: 0.5)
      try expect(tones, in: tail.next(seconds: 1))
    }

    @Test func itClosesWithItsConnection() throws {
      let field = try MicField()
      // What the daemon opens by itself in its first moments is there.
      usleep(500_000)
      let descriptors = field.daemon.descriptors
      var host: ControlClient? = try ControlClient(path: field.daemon.socket)
      let arguments: JSONObject = ["rikey": .string(MicField.secret), "own_source": true, "while_connected": true]
      let reply = try #require(try host?.request("mic.open", arguments))
      let port = UInt16(try #require(reply["port"]?.intValue))
      let session = try #require(reply["session_id"]?.stringValue.flatMap(UInt32.init))
      let node = try #require(reply["mic"]?["own_source"]?.stringValue)
      let voice = try MicVoice(SealedWire(port: port, session: session))
      defer { voice.stop() }
      #expect(try waitUntil(timeout: 10) { try field.report()["mics"]?[0]?["received"]?.intValue ?? 0 > 5 })
      #expect(try waitUntil(timeout: 10) { try field.server.nodes().contains(node) })
      // One that another host opened stays.
      let kept = try field.openSealed()
      host = nil
      #expect(try waitUntil(timeout: 10) { try field.report()["mics"]?.arrayValue?.count == 1 })
      #expect(try field.report()["mics"]?[0]?["mic"]?.stringValue == kept.id)
      #expect(try waitUntil(timeout: 10) { try !field.server.nodes().contains(node) })
      _ = try field.daemon.client.request("mic.close", ["mic": .string(kept.id)])
      #expect(waitUntil(timeout: 10) { field.daemon.descriptors <= descriptors }, "\(field.daemon.descriptors)")
      // Closed by hand first, then the connection goes: nobody else's is closed by that.
      host = try ControlClient(path: field.daemon.socket)
      let second = try #require(try host?.request("mic.open", arguments)["mic"]?["mic"])
      _ = try field.daemon.client.request("mic.close", ["mic": second])
      let third = try field.openSealed()
      host = nil
      usleep(300_000)
      #expect(try field.report()["mics"]?[0]?["mic"]?.stringValue == third.id)
    }

    private func expect(
      _ tones: [Double], in samples: [Float], none: [Double] = [], _ place: SourceLocation = #_sourceLocation
    ) throws {
      try #require(samples.count > 20_000, sourceLocation: place)
      for tone in tones {
        // What a late packet moves is the phase: over a whole second that would look like a level.
        let level = samples.usualLevel(of: tone)
        #expect(abs(level + 20) < 0.5, "\(tone) Hz: \(level) dBFS", sourceLocation: place)
      }
      for tone in none {
        let level = ToneAnalysis.level(of: tone, in: samples, rate: 48_000)
        #expect(level < -70, "\(tone) Hz: \(level) dBFS", sourceLocation: place)
      }
      #expect(samples.allSatisfy { abs($0) <= 1 }, sourceLocation: place)
    }
  }
}
