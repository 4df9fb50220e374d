/// The sizes and numbers of GameStream's audio datagrams.
public enum GameStreamFormat {
  /// A client reads no more of a datagram than this.
  public static let datagramLimit = 1400
  public static let dataHeaderLength = 12
  public static let parityHeaderLength = 24
  /// Parity is as long as the data and has the longer header: this much payload fits.
  public static let payloadLimit = datagramLimit - parityHeaderLength
  public static let dataType: UInt8 = 97
  public static let parityType: UInt8 = 127
  /// Data packets that are coded together: sequence numbers 4k to 4k+3.
  public static let blockPackets = ParityCode.dataShards
}

/// How much sound a packet carries: the only two lengths clients ask for. The raw value is the milliseconds by which
/// timestamps advance.
public enum GameStreamPacketDuration: Int, CaseIterable, Hashable, Sendable {
  case ms5 = 5
  case ms10 = 10
}

/// One received datagram: where it belongs in its block, and where its payload lies.
struct GameStreamShard: Hashable, Sendable {
  /// Sequence number of the block's first data packet.
  var base: UInt16
  /// 0…3 are data, 4 and 5 parity.
  var index: Int
  var payload: Range<Int>

  var isData: Bool { index < ParityCode.dataShards }

  enum Flaw: Error { case malformed, misalignedBlock }

  /// Every length and number comes from the network and is checked here.
  init(parsing datagram: UnsafeRawBufferPointer) throws(Flaw) {
    let data = GameStreamFormat.dataHeaderLength
    guard datagram.count > data, datagram.count <= GameStreamFormat.datagramLimit, datagram[0] == 0x80 else {
      throw .malformed
    }
    switch datagram[1] {
    case GameStreamFormat.dataType:
      let sequence = datagram.bigEndian16(at: 2)
      base = sequence & ~3
      index = Int(sequence & 3)
      payload = data..<datagram.count
    case GameStreamFormat.parityType:
      let header = GameStreamFormat.parityHeaderLength
      guard datagram.count > header, datagram[12] < ParityCode.parityShards, datagram[13] == GameStreamFormat.dataType
      else { throw .malformed }
      base = datagram.bigEndian16(at: 14)
      guard base & 3 == 0 else { throw .misalignedBlock }
      index = ParityCode.dataShards + Int(datagram[12])
      payload = header..<datagram.count
    default: throw .malformed
    }
  }
}

extension UnsafeRawBufferPointer {
  fileprivate func bigEndian16(at offset: Int) -> UInt16 {
    UInt16(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }
}
