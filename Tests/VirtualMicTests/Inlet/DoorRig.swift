import AudioCore
import Testing

@testable import VirtualMic
@testable import Wire

/// A door with a clock that goes on 20 ms at a time.
final class DoorRig {
  var door = MicDoor()
  var now = HostTime(nanoseconds: 1_000_000_000)

  func take(_ datagram: [UInt8], from source: MicSource) -> MicEntry {
    datagram.withUnsafeBytes { door.take($0, from: source, at: now) }
  }

  func tick(_ milliseconds: Int64 = 20) { now = now + .milliseconds(milliseconds) }

  func facts(_ talker: UInt32) -> MicSessionFacts { door.sessionFacts(of: TalkerID(talker))! }

  func open(_ talker: UInt32, _ kind: MicTerms.Kind, hosts: [String]? = nil) throws {
    try door.open(
      MicTerms(talker: TalkerID(talker), kind: kind, hosts: hosts.map { Set($0.map { MicHost(literal: $0)! }) }))
  }
}

extension MicTerms.Kind {
  static func game(_ byte: UInt8, plaintext: Bool = false, ping: String? = nil) -> Self {
    .gameStream(
      MicTerms.GameStream(
        key: .test(byte), keyID: 7, allowsPlaintext: plaintext, ping: ping.map { GameStreamPingPayload($0)! }))
  }

  static func open(ping: String? = nil) -> Self {
    .gameStream(MicTerms.GameStream(key: nil, allowsPlaintext: true, ping: ping.map { GameStreamPingPayload($0)! }))
  }

  static func ours(_ session: UInt32) -> Self { .sealed(key: .test(session), session: session) }
}

extension GameStreamMicSender {
  static func test(
    _ byte: UInt8?, form: GameStreamMicHeader.Form = .plain, padding: Padding = .single, sequence: UInt16 = 0
  ) throws -> GameStreamMicSender {
    try GameStreamMicSender(
      key: byte.map { .test($0) }, keyID: 7, form: form, padding: padding, sequence: sequence)
  }

  /// The next packet of a client that counts its time in numbers.
  mutating func next(_ opus: [UInt8]) throws -> [UInt8] { try send(opus, milliseconds: UInt32(sequence) * 20) }
}

extension MicEntry {
  var frame: MicFrame? { if case .frame(_, let frame) = self { frame } else { nil } }
  var talker: TalkerID? {
    switch self {
    case .frame(let talker, _), .alive(let talker), .waiting(let talker): talker
    case .ping(let talker), .refused(_, let talker): talker
    }
  }
  var opus: [UInt8]? { if case .opus(let bytes) = frame?.body { bytes } else { nil } }
}

func client(_ port: UInt16, at host: String = "192.0.2.9") -> MicSource { MicSource(host, port: port)! }
