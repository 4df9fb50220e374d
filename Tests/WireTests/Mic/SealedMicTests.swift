import Testing

@testable import Wire

/// What a datagram of the sealed protocol held.
struct Unsealed: Equatable {
  var header: SealedMicHeader
  var payload: [UInt8]
}

extension MicKey {
  static func test(_ session: UInt32 = 7, secret: [UInt8] = Array(0..<16)) throws -> MicKey {
    try secret.withUnsafeBytes { try MicKey(secret: $0, session: session) }
  }
}

extension SealedMicOpener {
  mutating func open(_ datagram: [UInt8]) throws -> Unsealed {
    var room = [UInt8](repeating: 0, count: 1400)
    let header = try datagram.withUnsafeBytes { try SealedMicHeader(parsing: $0) }
    var length = 0
    try datagram.withUnsafeBytes { bytes in
      try room.withUnsafeMutableBytes { length = try open(bytes, header, into: $0) }
    }
    return Unsealed(header: header, payload: Array(room[..<length]))
  }
}

@Suite struct SealedMicTests {
  private let opus: [UInt8] = [0x48] + Array(1..<20)

  @Test func everythingComesBack() throws {
    var sealer = try SealedMicSealer(key: .test(), session: 7)
    var opener = try SealedMicOpener(key: .test(), session: 7)
    let first = try opener.open(sealer.seal(.opus, opus, timestamp: 960))
    #expect(first.payload == opus)
    #expect(first.header.sequence == 0 && first.header.counter == 0 && first.header.timestamp == 960)
    let alive = try opener.open(sealer.seal(.keepalive, timestamp: 1920, isMuted: true))
    #expect(alive.header.kind == .keepalive && alive.header.isMuted && alive.payload.isEmpty)
    #expect(alive.header.sequence == 1 && alive.header.counter == 1)
    let pause = try opener.open(sealer.seal(.pause, timestamp: 1920))
    // The keepalive took no number of the stream.
    #expect(pause.header.kind == .pause && pause.header.sequence == 1 && pause.header.counter == 2)
    for length in [1, 15, 16, 17, 1360] {
      let payload = [UInt8](repeating: 0xB8, count: length)
      #expect(try opener.open(sealer.seal(.opus, payload, timestamp: 0)).payload == payload)
    }
  }

  /// One changed bit anywhere, and nothing is heard; nor does it spoil the packet itself.
  @Test func everyBitCounts() throws {
    var sealer = try SealedMicSealer(key: .test(), session: 7)
    var opener = try SealedMicOpener(key: .test(), session: 7)
    let datagram = try sealer.seal(.opus, opus, timestamp: 960)
    for bit in 0..<datagram.count * 8 {
      var forged = datagram
      forged[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: MicPacketError.self) { try opener.open(forged) }
    }
    for length in 0..<datagram.count {
      #expect(throws: MicPacketError.self) { try opener.open(Array(datagram[..<length])) }
    }
    #expect(try opener.open(datagram).payload == opus)
    #expect(throws: MicPacketError.replayed) { try opener.open(datagram) }
  }

  @Test func keysSeparateSessionsAndSecrets() throws {
    var sealer = try SealedMicSealer(key: .test(7), session: 7)
    let datagram = try sealer.seal(.opus, opus, timestamp: 0)
    var other = try SealedMicOpener(key: .test(7, secret: Array(1...16)), session: 7)
    #expect(throws: MicPacketError.forged) { try other.open(datagram) }
    // The same secret under another session's number is another key.
    var renamed = try SealedMicOpener(key: .test(8), session: 7)
    #expect(throws: MicPacketError.forged) { try renamed.open(datagram) }
    var stranger = try SealedMicOpener(key: .test(8), session: 8)
    #expect(throws: MicPacketError.notOurs) { try stranger.open(datagram) }
    var right = try SealedMicOpener(
      key: MicKey(from: GameStreamKey(hexadecimal: "000102030405060708090a0b0c0d0e0f"), session: 7), session: 7)
    #expect(try right.open(datagram).payload == opus)
  }

  @Test func refusalsOfTheHeader() throws {
    var sealer = try SealedMicSealer(key: .test(), session: 7)
    let opusDatagram = try sealer.seal(.opus, opus, timestamp: 0)
    let pause = try sealer.seal(.pause, timestamp: 0)
    func error(_ datagram: [UInt8], _ at: Int? = nil, _ value: UInt8 = 0) -> MicPacketError? {
      var datagram = datagram
      if let at { datagram[at] = value }
      do throws(MicPacketError) {
        _ = try datagram.span.withUnsafeBytes { (bytes) throws(MicPacketError) in try SealedMicHeader(parsing: bytes) }
        return nil
      } catch { return error }
    }
    #expect(error([]) == .tooShort)
    #expect(error(opusDatagram) == nil && error(pause) == nil)
    #expect(error(opusDatagram, 0, 0xC4) == .notOurs)
    #expect(error(opusDatagram, 1, 2) == .badVersion)
    #expect(error(opusDatagram, 2, 0) == .badKind && error(opusDatagram, 2, 4) == .badKind)
    #expect(error(opusDatagram, 3, 2) == .badReserved)
    #expect(error(opusDatagram, 22, 1) == .badReserved && error(opusDatagram, 23, 1) == .badReserved)
    #expect(error(opusDatagram, 2, 2) == .badLength && error(pause, 2, 1) == .badLength)
    #expect(error(Array(pause.dropLast())) == .tooShort)
    #expect(error(opusDatagram + [UInt8](repeating: 0, count: 1400)) == .tooLong)
  }

  @Test func senderKeepsToTheRules() throws {
    var sealer = try SealedMicSealer(key: .test(), session: 7, counter: .max - 1)
    #expect(throws: MicPacketError.cannotSend) { try sealer.seal(.pause, [1], timestamp: 0) }
    #expect(throws: MicPacketError.cannotSend) { try sealer.seal(.opus, timestamp: 0) }
    let tooLong = [UInt8](repeating: 0xB8, count: 1361)
    #expect(throws: MicPacketError.cannotSend) { try sealer.seal(.opus, tooLong, timestamp: 0) }
    _ = try sealer.seal(.pause, timestamp: 0)
    // A counter that wrapped would be used twice.
    #expect(throws: MicPacketError.cannotSend) { try sealer.seal(.pause, timestamp: 0) }
  }

  @Test func keysSayNothing() throws {
    let key = try MicKey.test()
    #expect("\(key)" == "MicKey(redacted)" && String(reflecting: key) == "MicKey(redacted)")
    var text = ""
    dump(key, to: &text)
    #expect(text.contains("redacted") && !text.contains("0x") && text.count < 40)
    #expect(throws: MicKeyError.wrongLength) { try MicKey.test(secret: Array(0..<15)) }
    #expect(throws: MicKeyError.wrongLength) { try MicKey.test(secret: [UInt8](repeating: 1, count: 65)) }
  }
}

@Suite struct ReplayWindowTests {
  /// Against a plain list of what has come.
  @Test(arguments: 1...20) func agreesWithAList(_ seed: Int) {
    var random = Lehmer(state: UInt64(seed))
    var window = ReplayWindow()
    var seen: Set<UInt64> = []
    var newest: UInt64?
    var at: UInt64 = UInt64(random.below(5000))
    for _ in 0..<20_000 {
      let counter: UInt64
      switch random.below(20) {
      case 0: counter = at + UInt64(random.below(5000))
      case 1...8: counter = at &- min(at, UInt64(random.below(2500)))
      default: counter = at + UInt64(random.below(3))
      }
      let old = newest.map { counter <= $0 && $0 - counter >= ReplayWindow.length } ?? false
      let expected = !old && !seen.contains(counter)
      #expect(window.admits(counter) == expected)
      if expected, random.below(10) > 0 {
        window.note(counter)
        seen.insert(counter)
        newest = max(newest ?? 0, counter)
        at = newest!
      }
    }
  }

  @Test func reachesTheEnds() {
    var window = ReplayWindow()
    window.note(0)
    window.note(.max)
    #expect(!window.admits(.max) && !window.admits(0))
    #expect(window.admits(.max - 2047) && !window.admits(.max - 2048))
  }
}
