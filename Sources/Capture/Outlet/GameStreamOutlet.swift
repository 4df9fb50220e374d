public import AudioCore
import Synchronization
public import Wire

/// A GameStream client: encrypted if asked for, protected, and sent to where it proves to be.
public final class GameStreamOutlet: PacketOutlet, @unchecked Sendable {
  private var packetizer: GameStreamPacketizer
  private let room: UnsafeMutableRawBufferPointer
  private let endpoint: ClientEndpoint
  private let frame: FrameCount
  private let shared = Mutex(OutletCounts())

  /// Thread: control.
  public init(
    endpoint: ClientEndpoint, duration: GameStreamPacketDuration, encryptor: consuming GameStreamCipher.Encryptor?
  ) {
    self.endpoint = endpoint
    frame = FrameCount(duration.rawValue * 48)
    room = .allocate(byteCount: GameStreamPacketizer.roomLength, alignment: 64)
    packetizer = GameStreamPacketizer(duration: duration, room: room, encryptor: encryptor)
  }

  deinit { room.deallocate() }

  public let block = GameStreamFormat.blockPackets
  public var phase: Int { Int(packetizer.sequence) % GameStreamFormat.blockPackets }
  /// Sound starts with the first ping; what comes before has nobody to go to.
  public var isReady: Bool { endpoint.isReached }
  public var counts: OutletCounts { shared.withLock { $0 } }

  public func deliver(_ payload: UnsafeRawBufferPointer?, skipped: FrameCount, capturedAt time: HostTime) {
    if skipped.value > 0 { _ = packetizer.skipBlocks(skipped.value / (frame.value * block)) }
    guard let payload, let made = try? packetizer.packetize(payload) else {
      shared.withLock { $0.unsendable += 1 }
      return
    }
    let outcome: SendOutcome
    var bytes = made.data.count
    if let parity = made.parity {
      bytes += parity.0.count + parity.1.count
      outcome = endpoint.send(made.data, ClientEndpoint.ParityPair(parity.0, parity.1))
    } else {
      outcome = endpoint.send(made.data)
    }
    shared.withLock { $0.add(outcome, bytes: bytes) }
  }
}
