import AudioCore
import OpusCodec
import VirtualMic
import Wire

@testable import streamctl

/// A talker, the door it knocks at and what is heard behind it, in virtual time.
final class MicTalkRig {
  static let key = try! GameStreamKey(hexadecimal: "000102030405060708090a0b0c0d0e0f")
  static let session: UInt32 = 77

  let start = HostTime(nanoseconds: 3_000_000_000)
  var door = MicDoor()
  let playout: TalkerPlayout
  /// What the door let in.
  private(set) var frames: [MicFrame] = []
  private(set) var pauses = 0
  private(set) var keepalives = 0
  private(set) var refused: [MicRefusal] = []
  /// When each datagram left, and what it was.
  private(set) var sent: [(at: HostTime, bytes: [UInt8])] = []
  private(set) var heard: [Float] = []
  private let source = MicSource("192.0.2.9", port: 5000)!
  private let talker = TalkerID(1)
  private var due: HostTime?

  init(_ way: MicWay, channels: Int = 1) throws {
    playout = TalkerPlayout(channels: channels)
    switch way {
    case .sealed:
      let key = try MicKey(from: Self.key, session: Self.session)
      try door.open(MicTerms(talker: talker, kind: .sealed(key: key, session: Self.session)))
    case .gamestream:
      try door.open(
        MicTerms(talker: talker, kind: .gameStream(MicTerms.GameStream(key: Self.key, keyID: -3))))
    case .local: break
    }
  }

  static func envelope(_ way: MicWay, padding: GameStreamMicSender.Padding = .single) throws -> any MicEnvelope {
    switch way {
    case .sealed: try SealedEnvelope(key: try MicKey(from: key, session: session), session: session)
    case .gamestream: try GameStreamEnvelope(key: key, keyID: -3, padding: padding)
    case .local: LocalEnvelope()
    }
  }

  static func codec(channels: Int = 1) -> OpusConfiguration {
    var codec = OpusConfiguration.standard(
      layout: channels == 1 ? .mono : .stereo, bitrate: 64_000 * channels, frame: .ms20)
    codec.application = .voip
    codec.variableBitrate = true
    codec.expectedLoss = 15
    return codec
  }

  var facts: MicSessionFacts { door.sessionFacts(of: talker)! }

  /// Lets the talker speak to its end. `waking` is how late it wakes.
  func run(_ talk: MicTalk, waking late: (HostTime) -> HostDuration = { _ in .zero }) throws {
    var now = start
    while let next = try talk.step(at: now, send: { arrive($0, at: now) }) {
      let wake = max(next, now) + late(next)
      play(until: wake)
      now = wake
    }
    play(until: now + .seconds(1))
  }

  private func arrive(_ datagram: [UInt8], at now: HostTime) {
    sent.append((now, datagram))
    if datagram.starts(with: Array("SMIC".utf8)) { return take(local: datagram, at: now) }
    switch datagram.withUnsafeBytes({ door.take($0, from: source, at: now) }) {
    case .frame(_, let frame): take(frame, at: now)
    case .alive: keepalives += 1
    case .refused(let why, _): refused.append(why)
    case .waiting, .ping: break
    }
  }

  private func take(local datagram: [UInt8], at now: HostTime) {
    guard let packet = datagram.withUnsafeBytes({ try? LocalMicPacket(parsing: $0) }) else {
      refused.append(.malformed)
      return
    }
    let payload = Array(datagram[LocalMicPacket.headerLength...])
    take(
      MicFrame(
        sequence: packet.sequence, timestamp: packet.timestamp, body: packet.kind == .pause ? .pause : .opus(payload)),
      at: now)
  }

  private func take(_ frame: MicFrame, at now: HostTime) {
    if frame.body == .pause { pauses += 1 } else { frames.append(frame) }
    play(until: now)
    playout.insert(frame, at: now)
    step(now)
  }

  private func step(_ now: HostTime) { due = playout.step(at: now) { heard += $0 } }

  private func play(until end: HostTime) {
    while let next = due, next <= end { step(next) }
  }
}
