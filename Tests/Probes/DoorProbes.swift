import AudioCore
import VirtualMic
import Wire

private let start = HostTime(nanoseconds: 1_000_000_000)
private let here = MicSource("192.0.2.1", port: 5000)!
private let secret = (0..<16).map { UInt8($0) }

private func gameKey() -> GameStreamKey { try! secret.withUnsafeBytes { try GameStreamKey($0) } }

/// One door with a client of every kind.
private struct Rig: ~Copyable {
  var door = MicDoor()
  var heard = 0

  init() {
    let key = gameKey()
    let ping = GameStreamPingPayload("0123456789ABCDEF")
    try! door.open(MicTerms(talker: TalkerID(1), kind: .gameStream(.init(key: key, keyID: -3))))
    try! door.open(
      MicTerms(
        talker: TalkerID(2), kind: .gameStream(.init(key: nil, allowsPlaintext: true, ping: ping)),
        hosts: [MicHost(literal: "192.0.2.2")!]))
    try! door.open(MicTerms(talker: TalkerID(3), kind: .sealed(key: try! MicKey(from: key, session: 9), session: 9)))
  }

  /// Nil, or what does not hold of the entry.
  mutating func take(_ datagram: UnsafeRawBufferPointer, from source: MicSource, at now: HostTime) -> String? {
    let entry = door.take(datagram, from: source, at: now)
    guard case .frame(_, let frame) = entry else { return nil }
    heard += 1
    guard case .opus(let opus) = frame.body else { return nil }
    guard let shape = opus.withUnsafeBytes({ OpusPacketShape(of: $0) }) else { return "heard what is no Opus" }
    return shape.frames <= OpusPacketShape.longest && opus.count < MicLimits.datagram ? nil : "too much"
  }

  /// Nil, or why the counts do not add up.
  func audit() -> String? {
    let facts = (1...3).map { door.sessionFacts(of: TalkerID($0))! }
    var sum = door.facts.refused.total + door.facts.namelessPings
    for one in facts {
      sum += one.frames + one.pauses + one.keepalives + one.pings + one.waiting + one.refused.total
    }
    return sum == door.facts.datagrams ? nil : "\(door.facts.datagrams) datagrams, \(sum) counted"
  }
}

/// First byte: 0 raw, else the rest is what a key's owner encrypts: four packets, so that the last is heard if it is sane.
func probeGameStream(_ bytes: UnsafeRawBufferPointer) -> Probe.Finding {
  guard let mode = bytes.first else { return .refused }
  let rest = bytes.from(1)
  var rig = Rig()
  guard mode != 0 else {
    if let header = try? GameStreamMicHeader(parsing: rest) {
      var again = Array(rest)
      again.withUnsafeMutableBytes { header.write(into: $0) }
      guard again.dropFirst() == Array(rest).dropFirst() else { return .broken("written otherwise") }
    }
    if let broken = rig.take(rest, from: here, at: start) ?? rig.audit() { return .broken(broken) }
    return .refused
  }
  let form: GameStreamMicHeader.Form = mode & 1 == 0 ? .plain : .packed
  var sender = try! GameStreamMicSender(
    key: gameKey(), keyID: -3, form: form, padding: mode & 2 == 0 ? .single : .double, sequence: UInt16(mode) << 8)
  for _ in 0..<4 {
    guard let datagram = try? sender.send(Array(rest), milliseconds: UInt32(sender.sequence)) else { return .refused }
    if let broken = datagram.withUnsafeBytes({ rig.take($0, from: here, at: start) }) { return .broken(broken) }
  }
  if let broken = rig.audit() { return .broken(broken) }
  let isSane = OpusPacketShape(of: rest).map { $0.frames <= 2880 } ?? false
  // Padding that shows only later can spoil the first; nothing else can.
  if isSane, mode & 2 == 0, rig.heard < 2, InnerPadding.length(in: rest) == 0 { return .broken("not heard") }
  return rig.heard > 0 ? .accepted : .refused
}

/// First byte: 0 raw, else it says where a true datagram of the rest is damaged; 255 not at all.
func probeSealed(_ bytes: UnsafeRawBufferPointer) -> Probe.Finding {
  guard let mode = bytes.first else { return .refused }
  let rest = bytes.from(1)
  var rig = Rig()
  guard mode != 0 else {
    if let header = try? SealedMicHeader(parsing: rest) {
      var again = Array(rest)
      again.withUnsafeMutableBytes { header.write(into: $0) }
      guard again == Array(rest) else { return .broken("written otherwise") }
    }
    if let broken = rig.take(rest, from: here, at: start) ?? rig.audit() { return .broken(broken) }
    return rig.heard == 0 ? .refused : .broken("heard without a key")
  }
  var sealer = try! SealedMicSealer(key: try! MicKey(from: gameKey(), session: 9), session: 9)
  let kind: SealedMicHeader.Kind = rest.isEmpty ? .pause : .opus
  guard var datagram = try? sealer.seal(kind, Array(rest), timestamp: 0) else { return .refused }
  if mode != 255 { datagram[Int(mode) % datagram.count] ^= 0x40 }
  if let broken = datagram.withUnsafeBytes({ rig.take($0, from: here, at: start) }) ?? rig.audit() {
    return .broken(broken)
  }
  let isSound = mode == 255 && (rest.isEmpty || OpusPacketShape(of: rest) != nil)
  guard rig.heard == (isSound ? 1 : 0) else { return .broken("heard \(rig.heard)") }
  return isSound ? .accepted : .refused
}

/// A conversation: a byte of length, one for where from and how much later, then that many bytes.
func probeDoor(_ bytes: UnsafeRawBufferPointer) -> Probe.Finding {
  var rig = Rig()
  var now = start
  var at = 0
  while at + 2 <= bytes.count {
    let (length, how) = (Int(bytes[at]), Int(bytes[at + 1]))
    at += 2
    let datagram = UnsafeRawBufferPointer(rebasing: bytes[at..<min(at + length, bytes.count)])
    at += length
    now = now + .milliseconds(Int64(how >> 3))
    let source = MicSource("192.0.2.\(how & 3)", port: UInt16(5000 + (how >> 2 & 1)))!
    if let broken = rig.take(datagram, from: source, at: now) { return .broken(broken) }
  }
  if let broken = rig.audit() { return .broken(broken) }
  return rig.heard > 0 ? .accepted : .refused
}
