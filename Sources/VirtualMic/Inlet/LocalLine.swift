public import AudioCore
import Wire

/// What is known of one local talker.
public struct LocalMicFacts: Hashable, Sendable {
  public var frames: UInt64 = 0
  public var pauses: UInt64 = 0
  public var refused = MicRefusals()
  public var heardAt: HostTime?
}

/// One connection of the local socket.
/// Thread: the socket's.
final class LocalLine {
  let talker: TalkerID
  private(set) var facts = LocalMicFacts()
  private var budget = MediaBudget()

  init(talker: TalkerID) { self.talker = talker }

  func take(_ message: UnsafeRawBufferPointer, at now: HostTime) -> MicFrame? {
    let packet: LocalMicPacket
    do throws(MicPacketError) { packet = try LocalMicPacket(parsing: message) } catch {
      facts.refused.note(MicRefusal(error))
      return nil
    }
    let payload = UnsafeRawBufferPointer(rebasing: message[LocalMicPacket.headerLength...])
    guard budget.take(length(of: packet, payload), at: now) else {
      facts.refused.note(.rate)
      return nil
    }
    facts.heardAt = now
    let body: MicFrame.Body
    switch packet.kind {
    case .pause:
      facts.pauses += 1
      body = .pause
    case .opus:
      facts.frames += 1
      body = .opus(Array(payload))
    case .s16, .f32:
      facts.frames += 1
      body = .pcm(packet.samples(of: payload), channels: packet.channels)
    }
    return MicFrame(sequence: packet.sequence, timestamp: packet.timestamp, body: body)
  }

  private func length(of packet: LocalMicPacket, _ payload: UnsafeRawBufferPointer) -> FrameCount {
    if let sample = packet.kind.sampleBytes { return FrameCount(payload.count / sample / packet.channels) }
    return OpusPacketShape(of: payload)?.frames ?? 0
  }
}

extension MicRefusal {
  init(_ error: MicPacketError) {
    self =
      switch error {
      case .tooShort: .truncated
      case .tooLong: .oversize
      case .notOurs: .notOurs
      case .badVersion: .badVersion
      case .forged, .library: .forged
      case .replayed: .replayed
      case .badKind, .badReserved, .badChannels, .badLength, .notOpus, .cannotSend: .malformed
      }
  }
}
