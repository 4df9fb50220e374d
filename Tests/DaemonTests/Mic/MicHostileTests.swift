import Control
import Glibc
import TestSupport
import Testing
import Wire

extension DaemonTests {
  /// Somebody sends what they should not while a client speaks on the same port. The client is heard as if nothing were.
  @Suite(.serialized) struct MicHostileTests {
    private final class Scene {
      let field: MicField
      let voice: MicVoice
      let wire: SealedWire
      let id: String
      let attacker = LoopbackSocket()
      private let tail: RecordedTail

      init() throws {
        field = try MicField()
        let opened = try field.openSealed()
        (wire, id) = (opened.wire, opened.id)
        voice = try MicVoice(wire)
        try field.waitUntilHeard(id)
        tail = try RecordedTail(field.server)
        _ = tail.next(seconds: 1)
      }

      deinit {
        voice.stop()
        tail.stop()
      }

      /// Does something for some seconds, at so many times a second, and judges what was heard meanwhile. Returns how often
      /// it was done. The tone is seen to break without an attack behind it, too; one that works breaks it every time.
      func attack(
        _ what: String, perSecond: Double, seconds: Double = Breadth.isLong ? 2 : 1, _ act: (Int) throws -> Void
      ) throws -> Int {
        var done = 0
        for attempt in 1...3 {
          let start = tail.count
          let (begun, before) = (monotonicSeconds(), done)
          while monotonicSeconds() - begun < seconds {
            while Double(done - before) < (monotonicSeconds() - begun) * perSecond {
              try act(done)
              done += 1
            }
            usleep(1000)
          }
          #expect(waitUntil(timeout: 10) { tail.count > start + Int(seconds * 48_000) })
          let breaks = SineContinuity(frequency: 997).breaks(in: Array(tail.samples[start...]))
          let mic = try field.mic(id)
          #expect(field.daemon.wait(timeout: 0) == nil, "\(what): \(field.daemon.log.suffix(2000))")
          #expect(mic["lost"] == 0 && mic["garbage"] == 0, "\(what): \(mic)")
          print("measured: \(what): sent \(done), breaks \(breaks), underruns \(mic["underruns"] ?? .null)")
          if breaks.isEmpty { break }
          #expect(attempt < 3, "\(what): \(breaks), \(mic)")
        }
        return done
      }

      /// Of the port, for no session's blame.
      func strangers(_ reason: String) throws -> Int {
        try field.report()["ports"]?[0]?["refused"]?[reason]?.intValue ?? 0
      }
    }

    @Test func forgeriesOfAClientThatSpeaks() throws {
      let scene = try Scene()
      let (field, wire) = (scene.field, scene.wire)
      // Another sender with the client's key and session, whose numbers lie far behind the window.
      let twin = try SealedWire(port: wire.port, session: wire.session)
      let old = (0..<50).compactMap { twin.pack([], opus: Self.opus, UInt32($0 * 960)) }
      #expect(try waitUntil(timeout: 20) { try field.mic(scene.id)["received"]?.intValue ?? 0 > 60 })

      let replays = try scene.attack("replayed", perSecond: 300) { scene.attacker.send(old[$0 % 50], to: wire.port) }
      #expect(try waitUntil(timeout: 5) { try field.refused(scene.id, "replayed") == replays })

      let ahead = try Self.ahead(wire)
      let forged = try scene.attack("forged", perSecond: 300) { count in
        var bytes = ahead[count % ahead.count]
        bytes[24 + count % (bytes.count - 24)] ^= 1 << UInt8(count % 8)
        scene.attacker.send(bytes, to: wire.port)
      }
      #expect(try waitUntil(timeout: 5) { try field.refused(scene.id, "forged") == forged })

      let other = try SealedWire(port: wire.port, session: wire.session, secret: String(repeating: "ab", count: 16))
      let wrong = try scene.attack("wrong key", perSecond: 300) { count in
        guard let bytes = other.pack([], opus: Self.opus, UInt32(count * 960)) else { return }
        // Beyond what the client has numbered, so that the key is asked at all.
        var far = bytes
        far[12] = 1
        scene.attacker.send(far, to: wire.port)
      }
      #expect(try waitUntil(timeout: 5) { try field.refused(scene.id, "forged") == forged + wrong })

      let before =
        try scene.strangers("truncated") + scene.strangers("malformed") + field.refused(scene.id, "truncated")
      let cut = try scene.attack("truncated", perSecond: 300) { count in
        scene.attacker.send(Array(ahead[0].prefix(1 + count % 39)), to: wire.port)
      }
      #expect(
        try waitUntil(timeout: 5) {
          try scene.strangers("truncated") + scene.strangers("malformed") + field.refused(scene.id, "truncated")
            == before + cut
        }, "\(before), \(cut)")

      let lost = try SealedWire(port: wire.port, session: wire.session &+ 1)
      let unknown = try scene.attack("unknown session", perSecond: 300) { count in
        guard let bytes = lost.pack([], opus: Self.opus, UInt32(count * 960)) else { return }
        scene.attacker.send(bytes, to: wire.port)
      }
      #expect(try waitUntil(timeout: 5) { try scene.strangers("unknown_session") == unknown })
      #expect(try field.mic(scene.id)["restarts"] == 0 && field.refused(scene.id, "rate") == 0)
    }

    @Test func noiseAtThePort() throws {
      let scene = try Scene()
      let (field, wire) = (scene.field, scene.wire)
      var random = SystemRandomNumberGenerator()
      let whole = try scene.attack("random bytes", perSecond: 1000) { _ in
        let length = Int.random(in: 0...1400, using: &random)
        let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
        scene.attacker.send(bytes, to: wire.port)
      }
      // What looks like each protocol, and is none of it.
      let marked = try scene.attack("random bytes behind true marks", perSecond: 1000) { count in
        var bytes = (0..<Int.random(in: 30...1400, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random)
        }
        switch count % 3 {
        case 0: bytes.replaceSubrange(0..<2, with: [0xC5, 1])
        case 1: bytes.replaceSubrange(0..<2, with: [0, 0x61])
        default: bytes.replaceSubrange(0..<3, with: [0, 0x04, 0x55])
        }
        scene.attacker.send(bytes, to: wire.port)
      }
      let large = [UInt8](repeating: 0xC5, count: 65_507)
      let oversize = try scene.attack("64 KiB", perSecond: 100) { _ in scene.attacker.send(large, to: wire.port) }
      #expect(try waitUntil(timeout: 5) { try scene.strangers("oversize") == oversize })
      let port = try #require(try field.report()["ports"]?[0])
      let refused = port["refused"]?.objectValue.map { $0.reduce(0) { $0 + ($1.value.intValue ?? 0) } } ?? 0
      #expect(port["dropped"] == 0 && refused == whole + marked + oversize, "\(whole + marked + oversize): \(port)")
    }

    /// A client of our own that sends ten times what time allows silences itself only.
    @Test func tenTimesTheRate() throws {
      let scene = try Scene()
      let flood = try scene.field.openSealed(["port": JSON(Int(scene.wire.port))])
      let quiet = Self.opus
      let sent = try scene.attack("ten times the rate", perSecond: 500, seconds: 4) { count in
        guard let bytes = flood.wire.pack([], opus: quiet, UInt32(truncatingIfNeeded: count * 960)) else { return }
        flood.wire.send(bytes)
      }
      let refused = try scene.field.refused(flood.id, "rate")
      measured("refused of them", Double(refused), "")
      // A second in advance and a quarter more than time passed: 50 packets a second are real time.
      #expect(refused > sent - 50 - sent / 500 * 63 - 60, "\(refused) of \(sent)")
      #expect(try scene.field.refused(scene.id, "rate") == 0)
    }

    /// Connections that say nonsense, too much or nothing, while a program talks properly.
    @Test func theLocalSocket() throws {
      let field = try MicField("local = true")
      let voice = try MicVoice(try LocalWire(path: field.localSocket, kind: .f32))
      defer { voice.stop() }
      #expect(try waitUntil(timeout: 10) { try field.report()["mics"]?[0]?["received"]?.intValue ?? 0 > 5 })
      let id = try #require(try field.report()["mics"]?[0]?["mic"]?.stringValue)
      let tail = try RecordedTail(field.server)
      defer { tail.stop() }
      _ = tail.next(seconds: 1)
      let descriptors = field.daemon.descriptors
      // Without anybody else first: what this machine breaks by itself.
      let calm = tail.next(seconds: 3)
      print("measured: local socket, nobody else: breaks \(SineContinuity(frequency: 997).breaks(in: calm))")
      for attempt in 1...3 {
        let start = tail.count
        for round in 0..<Breadth.rounds(short: 10, long: 20) { crowd(field, isMarked: round % 2 == 0) }
        #expect(tail.next(seconds: 0.5).count > 20_000)
        let breaks = SineContinuity(frequency: 997).breaks(in: Array(tail.samples[start...]))
        let mic = try field.mic(id)
        let counts = ["underruns", "late", "concealed_ms", "restarts", "delay_ms"].map { "\($0) \(mic[$0] ?? .null)" }
        print("measured: local socket: breaks \(breaks), \(counts)")
        // The tone is seen to break without an attack behind it, too; one that works breaks it every time.
        if breaks.isEmpty { break }
        #expect(attempt < 3, "\(breaks)")
      }
      #expect(try field.mic(id)["lost"] == 0 && field.mic(id)["garbage"] == 0)
      #expect(try waitUntil(timeout: 10) { try field.report()["mics"]?.arrayValue?.count == 1 })
      #expect(waitUntil(timeout: 10) { field.daemon.descriptors <= descriptors }, "\(field.daemon.descriptors)")
    }

    /// More connections than there may be, some of which never speak, and none properly.
    private func crowd(_ field: MicField, isMarked: Bool) {
      let wires = (0..<10).compactMap { _ in try? LocalWire(path: field.localSocket, kind: .opus) }
      for wire in wires.dropFirst(2) {
        for _ in 0..<10 {
          let length = [0, 1, 15, 16, 17, 1000, 30_000].randomElement()!
          var bytes = (0..<length).map { _ in UInt8.random(in: 0...255) }
          if isMarked, length > 16 { bytes.replaceSubrange(0..<8, with: Array("SMIC".utf8) + [1, 1, 0, 0]) }
          wire.send(bytes)
        }
      }
      usleep(50_000)
    }

    /// A packet of 20 ms that any decoder takes.
    private static let opus: [UInt8] = [0xF8, 0xFF, 0xFE]

    /// Datagrams numbered far beyond those the client will send here.
    private static func ahead(_ wire: SealedWire) throws -> [[UInt8]] {
      let key = try MicKey(from: GameStreamKey(hexadecimal: MicField.secret), session: wire.session)
      var sealer = try SealedMicSealer(key: key, session: wire.session, counter: 1 << 40)
      return try (0..<8).map { try sealer.seal(.opus, opus, timestamp: UInt32($0) * 960) }
    }
  }
}
