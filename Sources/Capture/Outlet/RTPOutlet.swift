public import AudioCore
import Synchronization
public import Wire

/// Plain RTP to one destination.
public final class RTPOutlet: PacketOutlet, @unchecked Sendable {
  private var packetizer: RTPPacketizer
  private let sink: any PacketSink
  private let frame: FrameCount
  private let packet: UnsafeMutableRawBufferPointer
  private let wallOffset: @Sendable () -> Int64
  private let shared = Mutex(OutletCounts())

  /// `payloadLimit` is the longest packet the encoder makes. `wallOffset` turns a host time into Unix nanoseconds, for the
  /// capture-time extension.
  public init(
    packetizer: RTPPacketizer, sink: any PacketSink, frame: FrameCount, payloadLimit: Int,
    wallOffset: @escaping @Sendable () -> Int64
  ) {
    self.packetizer = packetizer
    self.sink = sink
    self.frame = frame
    self.wallOffset = wallOffset
    packet = .allocate(byteCount: packetizer.headerLength + payloadLimit, alignment: 16)
  }

  deinit { packet.deallocate() }

  public let block = 1
  public let phase = 0
  public let isReady = true
  public var counts: OutletCounts { shared.withLock { $0 } }

  public func deliver(_ payload: UnsafeRawBufferPointer?, skipped: FrameCount, capturedAt time: HostTime) {
    if skipped.value > 0 { packetizer.skip(skipped) }
    let header = packetizer.headerLength
    guard let payload, header + payload.count <= packet.count else {
      // The time passes all the same, so that what follows is on time.
      packetizer.skip(frame)
      return
    }
    UnsafeMutableRawBufferPointer(rebasing: packet[header...]).copyMemory(from: payload)
    let stamp = packetizer.carriesCaptureTime ? NTPTime(unixNanoseconds: time.nanoseconds + wallOffset()) : nil
    packetizer.writeHeader(into: packet, frames: frame, capturedAt: stamp)
    let length = header + payload.count
    let outcome = sink.send(UnsafeRawBufferPointer(rebasing: packet[..<length]))
    shared.withLock { $0.add(outcome, bytes: length) }
  }
}
