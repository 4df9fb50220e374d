/// A received RTP packet: its header and where in the datagram the payload lies.
public struct RTPPacket: Hashable, Sendable {
  public var header: RTPHeader
  public var payload: Range<Int>
  /// When the sender captured the first frame, if it says so.
  public var captureTime: NTPTime?
}

/// Reads RTP packets. Every length comes from the network and is checked before it is used.
///
/// Contributing sources and unknown extensions are stepped over, padding is cut off.
/// Thread: any.
public struct RTPParser: Hashable, Sendable {
  /// Identifier under which the session description announces abs-capture-time.
  public var captureTimeID: UInt8?

  public init(captureTimeID: UInt8? = RTPPacketizer.captureTimeID) { self.captureTimeID = captureTimeID }

  public func parse(_ datagram: UnsafeRawBufferPointer) throws(RTPError) -> RTPPacket {
    guard datagram.count >= RTPHeader.length else { throw .tooShort }
    guard datagram[0] >> 6 == 2 else { throw .badVersion }
    var start = RTPHeader.length + 4 * Int(datagram[0] & 0x0F)
    guard start <= datagram.count else { throw .truncatedSources }
    var captureTime: NTPTime?
    if datagram[0] & 0x10 != 0 {
      guard start + 4 <= datagram.count else { throw .truncatedExtension }
      let profile = datagram.bigEndian(at: start, as: UInt16.self)
      let length = 4 * Int(datagram.bigEndian(at: start + 2, as: UInt16.self))
      let body = start + 4
      guard body + length <= datagram.count else { throw .truncatedExtension }
      start = body + length
      // 0xBEDE is the one-byte form; others carry nothing we know.
      if profile == 0xBEDE { captureTime = findCaptureTime(datagram, body..<start) }
    }
    var end = datagram.count
    if datagram[0] & 0x20 != 0 {
      let padding = Int(datagram[end - 1])
      guard padding > 0, padding <= end - start else { throw .badPadding }
      end -= padding
    }
    guard end > start else { throw .emptyPayload }
    let header = RTPHeader(
      marker: datagram[1] & 0x80 != 0, payloadType: datagram[1] & 0x7F,
      sequence: datagram.bigEndian(at: 2, as: UInt16.self), timestamp: datagram.bigEndian(at: 4, as: UInt32.self),
      source: datagram.bigEndian(at: 8, as: UInt32.self))
    return RTPPacket(header: header, payload: start..<end, captureTime: captureTime)
  }

  private func findCaptureTime(_ datagram: UnsafeRawBufferPointer, _ range: Range<Int>) -> NTPTime? {
    guard let wanted = captureTimeID else { return nil }
    var at = range.lowerBound
    while at < range.upperBound {
      let id = datagram[at] >> 4
      if datagram[at] == 0 {
        at += 1
        continue
      }
      // 15 ends the extensions by definition.
      if id == 15 { return nil }
      let length = Int(datagram[at] & 0x0F) + 1
      guard at + 1 + length <= range.upperBound else { return nil }
      // The long form has a clock offset behind the time.
      if id == wanted, length >= 8 { return NTPTime(bits: datagram.bigEndian(at: at + 1, as: UInt64.self)) }
      at += 1 + length
    }
    return nil
  }
}

extension UnsafeRawBufferPointer {
  fileprivate func bigEndian<Value: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as: Value.Type) -> Value {
    Value(bigEndian: loadUnaligned(fromByteOffset: offset, as: Value.self))
  }
}
