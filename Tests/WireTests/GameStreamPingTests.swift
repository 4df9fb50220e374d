import Testing

@testable import Wire

@Suite struct GameStreamPingTests {
  private func parse(_ datagram: [UInt8]) -> GameStreamPing? {
    datagram.withUnsafeBytes { GameStreamPing(parsing: $0) }
  }

  private func compose(_ ping: GameStreamPing) -> [UInt8] {
    var datagram = [UInt8](repeating: 0xAA, count: ping.length)
    datagram.withUnsafeMutableBytes { ping.write(into: $0) }
    return datagram
  }

  @Test func bothKinds() throws {
    #expect(compose(.legacy) == Array("PING".utf8))
    #expect(parse(Array("PING".utf8)) == .legacy)
    let payload = try #require(GameStreamPingPayload("00FF13C0FFEE0D5A"))
    let ping = GameStreamPing.current(payload, counter: 0x0102_0304)
    #expect(compose(ping) == Array("00FF13C0FFEE0D5A".utf8) + [1, 2, 3, 4])
    #expect(parse(compose(ping)) == ping && payload.text == "00FF13C0FFEE0D5A")
    #expect(parse(compose(ping) + [9]) == ping)
  }

  @Test func refusals() {
    for datagram in ["", "PIN", "ping", "PINGS", "0123456789abcdef", "0123456789abcdef012"] {
      #expect(parse(Array(datagram.utf8)) == nil, "\(datagram)")
    }
    for payload in ["", "0123456789abcde", "0123456789abcdef0", "0123456789abcde ", "0123456789abcdé"] {
      #expect(GameStreamPingPayload(payload) == nil, "\(payload)")
    }
  }

  @Test func randomPayloads() {
    struct Fixed: RandomNumberGenerator { mutating func next() -> UInt64 { 0xAB } }
    var fixed = Fixed()
    #expect(GameStreamPingPayload.random(using: &fixed).text == "00000000000000AB")
    var system = SystemRandomNumberGenerator()
    #expect(GameStreamPingPayload.random(using: &system) != GameStreamPingPayload.random(using: &system))
  }
}
