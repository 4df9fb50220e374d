import AudioCore
import Wire

/// One session of our own protocol, seen from the door. Its number names it and its key proves it, so addresses do not
/// matter: a client that moves is heard with its first packet.
/// Thread: the door's.
final class SealedLine {
  let terms: MicTerms
  var facts = MicSessionFacts()
  private var opener: SealedMicOpener
  private var budget = MediaBudget()

  init(_ terms: MicTerms, key: MicKey, session: UInt32) throws(MicDoorError) {
    self.terms = terms
    do throws(MicPacketError) { opener = try SealedMicOpener(key: key, session: session) } catch { throw .library }
  }

  var talker: TalkerID { terms.talker }
  var session: UInt32 { opener.session }

  func take(
    _ datagram: UnsafeRawBufferPointer, _ header: SealedMicHeader, from source: MicSource, at now: HostTime,
    room: UnsafeMutableRawBufferPointer
  ) -> MicEntry {
    guard terms.admits(source.host) else { return refuse(.wrongHost) }
    let length: Int
    do throws(MicPacketError) { length = try opener.open(datagram, header, into: room) } catch {
      return refuse(MicRefusal(error))
    }
    let opus = UnsafeRawBufferPointer(rebasing: room[..<length])
    var cost = MediaBudget.least
    if header.kind == .opus {
      guard let shape = OpusPacketShape(of: opus) else { return refuse(.malformed) }
      cost = shape.frames
    }
    guard budget.take(cost, at: now) else { return refuse(.rate) }
    // An old packet that comes late knows neither where the client is nor what its user wants.
    if header.counter == opener.window.newest {
      facts.heard(from: source, at: now)
      facts.isMuted = header.isMuted
    }
    switch header.kind {
    case .keepalive:
      facts.keepalives += 1
      return .alive(talker)
    case .pause:
      facts.pauses += 1
      return .frame(talker, MicFrame(sequence: header.sequence, timestamp: header.timestamp, body: .pause))
    case .opus:
      facts.frames += 1
      return .frame(talker, MicFrame(sequence: header.sequence, timestamp: header.timestamp, body: .opus(Array(opus))))
    }
  }

  func refuse(_ reason: MicRefusal) -> MicEntry {
    facts.refused.note(reason)
    return .refused(reason, talker)
  }
}
