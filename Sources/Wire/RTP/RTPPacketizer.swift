public import AudioCore

/// Numbers the packets of one RTP stream and writes their headers.
///
/// The payload is encoded in place behind `headerLength` bytes of room, so nothing is copied. Initial values are handed
/// in: the owner draws them at random, tests choose them.
/// Thread: any one at a time.
public struct RTPPacketizer: Hashable, Sendable {
  public let payloadType: UInt8
  public let source: UInt32
  /// Whether packets carry abs-capture-time as header extension 1.
  public let carriesCaptureTime: Bool
  /// Of the next packet.
  public private(set) var sequence: UInt16
  public private(set) var timestamp: UInt32
  private var marksNext = true

  public static let captureTimeID: UInt8 = 1
  private static let extensionLength = 16

  /// `payloadType` is one of the dynamic ones, 96…127.
  public init(
    payloadType: UInt8 = 97, source: UInt32, sequence: UInt16, timestamp: UInt32, carriesCaptureTime: Bool = false
  ) {
    precondition(payloadType < 128)
    self.payloadType = payloadType
    self.source = source
    self.sequence = sequence
    self.timestamp = timestamp
    self.carriesCaptureTime = carriesCaptureTime
  }

  /// Random source, sequence and timestamp, as RFC 3550 asks.
  public static func random(
    payloadType: UInt8 = 97, carriesCaptureTime: Bool = false, using generator: inout some RandomNumberGenerator
  ) -> Self {
    Self(
      payloadType: payloadType, source: generator.next(), sequence: generator.next(), timestamp: generator.next(),
      carriesCaptureTime: carriesCaptureTime)
  }

  /// Where the payload starts in the packet. The same for every packet of the stream.
  public var headerLength: Int { RTPHeader.length + (carriesCaptureTime ? Self.extensionLength : 0) }

  /// Writes the header of the next packet into the first `headerLength` bytes of `packet` and moves on by `frames`.
  /// The first packet and the first after a gap carry the marker bit: the start of a talk spurt. Returns the header.
  @discardableResult
  public mutating func writeHeader(
    into packet: UnsafeMutableRawBufferPointer, frames: FrameCount, capturedAt: NTPTime? = nil
  ) -> RTPHeader {
    precondition(packet.count >= headerLength && frames.value >= 0)
    let header = RTPHeader(
      marker: marksNext, payloadType: payloadType, sequence: sequence, timestamp: timestamp, source: source)
    packet[0] = carriesCaptureTime ? 0x90 : 0x80
    packet[1] = payloadType | (marksNext ? 0x80 : 0)
    packet.storeBytes(of: sequence.bigEndian, toByteOffset: 2, as: UInt16.self)
    packet.storeBytes(of: timestamp.bigEndian, toByteOffset: 4, as: UInt32.self)
    packet.storeBytes(of: source.bigEndian, toByteOffset: 8, as: UInt32.self)
    if carriesCaptureTime { writeExtension(into: packet, capturedAt) }
    sequence &+= 1
    timestamp &+= UInt32(truncatingIfNeeded: frames.value)
    marksNext = false
    return header
  }

  /// Lets time pass without a packet: the receiver plays silence of that length, and counts no loss.
  public mutating func skip(_ frames: FrameCount) {
    guard frames.value > 0 else { return }
    timestamp &+= UInt32(truncatingIfNeeded: frames.value)
    marksNext = true
  }

  /// One-byte header form of RFC 8285: three words, one element of eight bytes and three of padding. Without a time all
  /// of it is padding, so that the length stays.
  private func writeExtension(into packet: UnsafeMutableRawBufferPointer, _ time: NTPTime?) {
    packet.storeBytes(of: UInt32(0xBEDE_0003).bigEndian, toByteOffset: 12, as: UInt32.self)
    packet.storeBytes(of: UInt32(0), toByteOffset: 24, as: UInt32.self)
    packet[16] = time == nil ? 0 : Self.captureTimeID << 4 | 7
    packet.storeBytes(of: (time?.bits ?? 0).bigEndian, toByteOffset: 17, as: UInt64.self)
  }
}
