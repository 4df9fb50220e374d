import AudioCore
import Wire

/// One GameStream client's microphone, seen from the door: its key, its numbers, its time.
/// Thread: the door's.
final class GameStreamLine {
  /// What a payload holds, valid until the room is used again.
  struct Reading {
    var bytes: UnsafeRawBufferPointer
    var isPlaintext: Bool
  }

  let terms: MicTerms
  let ping: GameStreamPingPayload?
  let allowsPlaintext: Bool
  var facts = MicSessionFacts()
  private let decryptor: GameStreamCipher.Decryptor?
  private var padding = InnerPadding()
  private var gate = SequenceGate()
  private var timeline = MillisecondTimeline()
  private var budget = MediaBudget()
  /// Where this client has proved to be, the latest last.
  private(set) var sources: [MicSource] = []
  /// Where its pings come from, the latest last.
  private(set) var pinged: [MicSource] = []

  /// Addresses kept per client: more are a client that keeps moving.
  static let sourceLimit = 4
  /// Of one packet. Clients send 20 ms.
  static let longest: FrameCount = 2880

  init(_ terms: MicTerms, _ how: MicTerms.GameStream) throws(MicDoorError) {
    self.terms = terms
    ping = how.ping
    allowsPlaintext = how.allowsPlaintext
    guard let key = how.key else {
      decryptor = nil
      return
    }
    do throws(GameStreamCipherError) {
      decryptor = try GameStreamCipher.Decryptor(key: key, keyID: how.keyID)
    } catch {
      throw .library
    }
  }

  var talker: TalkerID { terms.talker }

  /// Whether an address that has proved nothing may send this client's plaintext.
  func expectsPlaintext(from source: MicSource) -> Bool {
    allowsPlaintext && (terms.hosts != nil || pinged.contains(source))
  }

  /// The sound in a payload, if this client's key makes sound of it, or if it may and could be plaintext. Changes nothing.
  func read(
    _ payload: UnsafeRawBufferPointer, sequence: UInt16, orPlaintext mayBePlain: Bool,
    room: UnsafeMutableRawBufferPointer
  ) -> Reading? {
    if let plain = decrypt(payload, sequence, room) { return Reading(bytes: plain, isPlaintext: false) }
    guard allowsPlaintext, mayBePlain, Self.isSane(plaintext: payload) else { return nil }
    return Reading(bytes: payload, isPlaintext: true)
  }

  private func decrypt(
    _ payload: UnsafeRawBufferPointer, _ sequence: UInt16, _ room: UnsafeMutableRawBufferPointer
  ) -> UnsafeRawBufferPointer? {
    let length: Int?
    switch decryptor {
    case .none: return nil
    case .some(let decryptor): length = try? decryptor.decrypt(payload, sequence: sequence, into: room)
    }
    guard let length, length > 0 else { return nil }
    let plain = UnsafeRawBufferPointer(rebasing: room[..<length])
    // Padding that fits is chance once in 256: what it uncovers must be Opus, whether the client pads once or twice.
    let cut = length - InnerPadding.length(in: plain)
    guard Self.isSane(plain) || cut < length && Self.isSane(UnsafeRawBufferPointer(rebasing: plain[..<cut])) else {
      return nil
    }
    return plain
  }

  static func isSane(_ opus: UnsafeRawBufferPointer) -> Bool {
    OpusPacketShape(of: opus).map { $0.frames <= longest } ?? false
  }

  /// Plaintext proves nothing at all, so what is likely junk goes, too.
  static func isSane(plaintext: UnsafeRawBufferPointer) -> Bool {
    if plaintext.count >= 4, let first = plaintext.first, first == 0 || first == 255,
      plaintext.prefix(4).allSatisfy({ $0 == first })
    {
      return false
    }
    return isSane(plaintext)
  }

  /// Takes a reading of an address that has proved to be this client's.
  func accept(
    _ reading: Reading, _ header: GameStreamMicHeader, from source: MicSource, at now: HostTime
  ) -> MicEntry {
    switch gate.take(header.sequence, at: now) {
    case .fresh: break
    case .restarted:
      timeline = MillisecondTimeline()
      facts.restarts += 1
    case .replayed: return refuse(.replayed)
    case .leap: return refuse(.leap)
    }
    var opus = reading.bytes
    if !reading.isPlaintext {
      opus = UnsafeRawBufferPointer(rebasing: opus[..<padding.cut(opus)])
      facts.padsTwice = padding.isShown
    }
    guard let shape = OpusPacketShape(of: opus), shape.frames <= Self.longest else { return refuse(.malformed) }
    guard budget.take(shape.frames, at: now) else { return refuse(.rate) }
    let time = timeline.time(sequence: header.sequence, milliseconds: header.milliseconds, frames: shape.frames)
    facts.frames += 1
    facts.isPlaintext = reading.isPlaintext
    facts.heard(from: source, at: now)
    return .frame(talker, MicFrame(sequence: header.sequence, timestamp: time, body: .opus(Array(opus))))
  }

  func refuse(_ reason: MicRefusal) -> MicEntry {
    facts.refused.note(reason)
    return .refused(reason, talker)
  }

  /// Keeps an address that has proved to be this client's. Returns the one it lets go of.
  func attach(_ source: MicSource) -> MicSource? { Self.keep(source, in: &sources) }

  func detach(_ source: MicSource) { sources.removeAll { $0 == source } }

  func notePing(from source: MicSource) {
    facts.pings += 1
    _ = Self.keep(source, in: &pinged)
  }

  private static func keep(_ source: MicSource, in list: inout [MicSource]) -> MicSource? {
    list.removeAll { $0 == source }
    list.append(source)
    return list.count > sourceLimit ? list.removeFirst() : nil
  }
}
