public import AudioCore
import Wire

/// Says of every datagram whose sound it is, or why it is nobody's.
///
/// Sealed sessions are named by their datagrams. GameStream's are not, so there an address belongs to the client whose key
/// has opened a few packets in a row from it, and stays its as long as that key opens what comes. Two clients behind one
/// address differ by their ports; a port that changes hands is found by the key. A wrong key moves nothing, and a client
/// that sends too much only silences itself. Reads no clock and no socket.
/// Thread: any one at a time.
public struct MicDoor: ~Copyable {
  public static let sessionLimit = 32

  public private(set) var facts = MicDoorFacts()
  private var lines: [GameStreamLine] = []
  private var sealed: [SealedLine] = []
  private var owners: [MicSource: GameStreamLine] = [:]
  private var prospects = Prospects()
  /// For addresses that are expected, and for all others.
  private var trials = (expected: TrialBudget(), strange: TrialBudget())
  /// For what is decrypted.
  private let room: UnsafeMutableRawBufferPointer

  public init() {
    room = .allocate(byteCount: MicLimits.datagram, alignment: 16)
    room.initializeMemory(as: UInt8.self, repeating: 0)
  }

  deinit { room.deallocate() }

  /// From now on this client is heard.
  public mutating func open(_ terms: MicTerms) throws(MicDoorError) {
    guard lines.count + sealed.count < Self.sessionLimit else { throw .tooManySessions }
    guard sessionFacts(of: terms.talker) == nil else { throw .talkerTaken }
    switch terms.kind {
    case .sealed(let key, let session):
      guard !sealed.contains(where: { $0.session == session }) else { throw .sessionTaken }
      sealed.append(try SealedLine(terms, key: key, session: session))
    case .gameStream(let how):
      guard how.key != nil || how.allowsPlaintext else { throw .nothingAllowed }
      guard !how.allowsPlaintext || terms.hosts != nil || how.ping != nil else { throw .plaintextFromAnybody }
      lines.append(try GameStreamLine(terms, how))
    }
  }

  /// From now on this client is not. Returns what was known of it; nil if nothing was.
  @discardableResult public mutating func close(_ talker: TalkerID) -> MicSessionFacts? {
    let known = sessionFacts(of: talker)
    lines.removeAll { $0.talker == talker }
    sealed.removeAll { $0.talker == talker }
    owners = owners.filter { $0.value.talker != talker }
    prospects.forget(talker)
    return known
  }

  public func sessionFacts(of talker: TalkerID) -> MicSessionFacts? {
    lines.first { $0.talker == talker }?.facts ?? sealed.first { $0.talker == talker }?.facts
  }

  public var isEmpty: Bool { lines.isEmpty && sealed.isEmpty }

  public mutating func take(_ datagram: UnsafeRawBufferPointer, from source: MicSource, at now: HostTime) -> MicEntry {
    facts.datagrams += 1
    guard datagram.count <= MicLimits.datagram else { return refuse(.oversize) }
    if datagram.first == SealedMicHeader.mark { return takeSealed(datagram, source, now) }
    if let entry = takePing(datagram, source) { return entry }
    do throws(MicPacketError) {
      return takeGameStream(datagram, try GameStreamMicHeader(parsing: datagram), source, now)
    } catch {
      return refuse(MicRefusal(error))
    }
  }

  private mutating func takeSealed(
    _ datagram: UnsafeRawBufferPointer, _ source: MicSource, _ now: HostTime
  ) -> MicEntry {
    let header: SealedMicHeader
    do throws(MicPacketError) { header = try SealedMicHeader(parsing: datagram) } catch {
      return refuse(MicRefusal(error))
    }
    guard let line = sealed.first(where: { $0.session == header.session }) else { return refuse(.unknownSession) }
    return line.take(datagram, header, from: source, at: now, room: room)
  }

  /// Clients that ping this port as they ping the one for sound. A ping proves less than a key: it names the client to
  /// try first, and speaks for those who have no key.
  private mutating func takePing(_ datagram: UnsafeRawBufferPointer, _ source: MicSource) -> MicEntry? {
    switch datagram.count {
    case GameStreamPing.legacyLength:
      guard GameStreamPing(parsing: datagram) != nil else { return nil }
      facts.namelessPings += 1
      return .ping(nil)
    case GameStreamPing.currentLength:
      // Nothing but a ping is 20 bytes long and begins with 16 of text.
      guard datagram.prefix(GameStreamPingPayload.length).allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
        case .current(let payload, _) = GameStreamPing(parsing: datagram)
      else { return nil }
      guard let line = lines.first(where: { $0.ping == payload }), line.terms.admits(source.host) else {
        facts.namelessPings += 1
        return .ping(nil)
      }
      line.notePing(from: source)
      return .ping(line.talker)
    default: return nil
    }
  }

  private mutating func takeGameStream(
    _ datagram: UnsafeRawBufferPointer, _ header: GameStreamMicHeader, _ source: MicSource, _ now: HostTime
  ) -> MicEntry {
    let payload = UnsafeRawBufferPointer(rebasing: datagram[header.form.length...])
    let owner = owners[source]
    if let owner, let reading = owner.read(payload, sequence: header.sequence, orPlaintext: true, room: room) {
      return owner.accept(reading, header, from: source, at: now)
    }
    let admitted = lines.filter { $0.terms.admits(source.host) }
    guard !admitted.isEmpty else { return refuse(lines.isEmpty ? .unknownSession : .wrongHost) }
    guard mayTry(source, admitted, now) else { return refuse(.rate) }
    let speaker = plaintextSpeaker(at: source, among: admitted)
    for line in inOrder(admitted, at: source) where line !== owner {
      guard
        let reading = line.read(
          payload, sequence: header.sequence, orPlaintext: line === speaker, room: room)
      else { continue }
      guard prospects.note(source, line.talker, header.sequence, at: now) else {
        line.facts.waiting += 1
        return .waiting(line.talker)
      }
      owner?.detach(source)
      if let gone = line.attach(source) { owners[gone] = nil }
      owners[source] = line
      return line.accept(reading, header, from: source, at: now)
    }
    let reason: MicRefusal =
      if payload.count % GameStreamCipher.blockLength != 0 {
        GameStreamLine.isSane(payload) ? .plaintext : .truncated
      } else {
        owner == nil ? .unknownSession : .forged
      }
    return owner.map { $0.refuse(reason) } ?? refuse(reason)
  }

  /// Trying every key is work that anybody can cause, so it is bounded; and strangers cannot use up what those have who are
  /// likely to be clients.
  private mutating func mayTry(_ source: MicSource, _ admitted: [GameStreamLine], _ now: HostTime) -> Bool {
    let isExpected =
      prospects.talker(at: source) != nil || admitted.contains { $0.terms.hosts != nil || $0.pinged.contains(source) }
    return isExpected ? trials.expected.take(at: now) : trials.strange.take(at: now)
  }

  /// Whose it may be, the likeliest first.
  private func inOrder(_ lines: [GameStreamLine], at source: MicSource) -> [GameStreamLine] {
    let likely = prospects.talker(at: source)
    func rank(_ line: GameStreamLine) -> Int { line.talker == likely ? 0 : line.pinged.contains(source) ? 1 : 2 }
    return (0...2).flatMap { place in lines.filter { rank($0) == place } }
  }

  /// Whose plaintext may come from an address that has proved nothing: of several who could send it from there it is
  /// nobody's, unless a ping names one.
  private func plaintextSpeaker(at source: MicSource, among lines: [GameStreamLine]) -> GameStreamLine? {
    let able = lines.filter { $0.expectsPlaintext(from: source) }
    let named = able.filter { $0.pinged.contains(source) }
    let choice = named.isEmpty ? able : named
    return choice.count == 1 ? choice[0] : nil
  }

  private mutating func refuse(_ reason: MicRefusal) -> MicEntry {
    facts.refused.note(reason)
    return .refused(reason, nil)
  }
}
