import AudioCore
import Testing

@testable import Wire

/// One block's datagrams in the order of sending: four of data, two of parity.
typealias SentBlock = [[UInt8]]

/// A sender whose datagrams are kept as arrays.
final class GameStreamSender {
  var packetizer: GameStreamPacketizer
  private let room: UnsafeMutableRawBufferPointer

  init(
    _ duration: GameStreamPacketDuration = .ms5, sequence: UInt16 = 0, timestamp: UInt32 = 0,
    key: GameStreamKey? = nil, keyID: Int32 = 0
  ) throws {
    room = .allocate(byteCount: GameStreamPacketizer.roomLength, alignment: 16)
    if let key {
      packetizer = GameStreamPacketizer(
        duration: duration, room: room, encryptor: try GameStreamCipher.Encryptor(key: key, keyID: keyID),
        sequence: sequence, timestamp: timestamp)
    } else {
      packetizer = GameStreamPacketizer(duration: duration, room: room, sequence: sequence, timestamp: timestamp)
    }
  }

  deinit { room.deallocate() }

  var sequence: UInt16 { packetizer.sequence }
  var timestamp: UInt32 { packetizer.timestamp }
  var isAtBlockBoundary: Bool { packetizer.isAtBlockBoundary }
  var opusLimit: Int { packetizer.opusLimit }

  func skipBlocks(_ count: Int) -> Bool { packetizer.skipBlocks(count) }

  func send(_ opus: [UInt8]) throws(GameStreamPacketError) -> [[UInt8]] {
    let source = UnsafeMutableRawBufferPointer.allocate(byteCount: max(opus.count, 1), alignment: 1)
    defer { source.deallocate() }
    source.copyBytes(from: opus)
    let made = try packetizer.packetize(UnsafeRawBufferPointer(rebasing: source[..<opus.count]))
    var sent: [[UInt8]] = []
    made.inOrder { sent.append([UInt8]($0)) }
    return sent
  }

  func block(_ packets: [[UInt8]]) throws(GameStreamPacketError) -> SentBlock {
    var sent: SentBlock = []
    for packet in packets { sent += try send(packet) }
    return sent
  }
}

/// What a delivery was, kept beyond the call. Nil bytes: lost.
struct Delivered: Hashable {
  var sequence: UInt16
  var bytes: [UInt8]?
}

/// A receiver whose deliveries are kept.
final class GameStreamListener {
  private var receiver: GameStreamReceiver

  init(
    _ duration: GameStreamPacketDuration = .ms5, decryptor: consuming GameStreamCipher.Decryptor? = nil,
    dropsStart: Bool = false
  ) {
    receiver = GameStreamReceiver(duration: duration, decryptor: decryptor, dropsStart: dropsStart)
  }

  var statistics: GameStreamReceiverStatistics { receiver.statistics }

  func deliveries(_ datagram: [UInt8], at now: HostTime = HostTime(nanoseconds: 0)) -> [Delivered] {
    var result: [Delivered] = []
    datagram.withUnsafeBytes {
      receiver.receive($0, at: now) { delivery in
        switch delivery {
        case .packet(let bytes, let sequence): result.append(Delivered(sequence: sequence, bytes: [UInt8](bytes)))
        case .lost(let sequence): result.append(Delivered(sequence: sequence, bytes: nil))
        }
      }
    }
    return result
  }

  func deliveries(all datagrams: [[UInt8]]) -> [Delivered] {
    var result: [Delivered] = []
    for datagram in datagrams { result += deliveries(datagram) }
    return result
  }
}

/// Four packets of one size whose bytes say where they belong.
func blockPackets(_ number: Int, size: Int = 40) -> [[UInt8]] {
  (0..<4).map { index in
    var random = Lehmer(state: UInt64(number * 4 + index))
    return (0..<size).map { _ in UInt8(random.below(256)) }
  }
}

extension GameStreamKey {
  /// 00 01 02 … 0f.
  static func golden() throws -> GameStreamKey { try GameStreamKey(hexadecimal: "000102030405060708090a0b0c0d0e0f") }
}
