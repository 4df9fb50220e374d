public import AudioCore

/// What the decoder is called with next.
public enum GameStreamDelivery {
  /// One Opus packet, valid during the call.
  case packet(UnsafeRawBufferPointer, sequence: UInt16)
  /// A packet that is lost for good: the decoder conceals it.
  case lost(sequence: UInt16)

  public var sequence: UInt16 {
    switch self {
    case .packet(_, let sequence), .lost(let sequence): sequence
    }
  }
}

/// The receiving end of GameStream's audio, by the rules of its clients: datagrams in, decoder calls out.
///
/// One block is in the making at any time. Data in order goes out at once; behind a gap it waits for the fourth of the
/// block's six shards, or for the first packet of a later block, which ends this one. That is the clients' fast recovery
/// and their default; the slower mode, in which they wait for the block before after a reordering across blocks, is not
/// taken. Holds a fixed amount of memory whatever arrives.
/// Thread: any one at a time.
public struct GameStreamReceiver: ~Copyable, @unchecked Sendable {
  /// Clients throw away this much sound at the start, unless nothing arrives for a while.
  public static let startDrop = HostDuration.milliseconds(500)
  public static let startPause = HostDuration.milliseconds(100)

  public private(set) var statistics = GameStreamReceiverStatistics()
  private let decryptor: GameStreamCipher.Decryptor?
  private var dropsLeft: Int
  private var lastArrival: HostTime?
  /// False until a block to start with is known.
  private var isSynchronised = false
  /// Of the block in the making.
  private var base: UInt16 = 0
  private var present: UInt8 = 0
  private var shardLength = 0
  /// Data packets of the block that went out.
  private var delivered = 0
  private var history = BlockHistory()
  /// Six shards, then one plaintext.
  private let room: UnsafeMutableRawBufferPointer

  private static let stride = GameStreamFormat.datagramLimit
  private static let allData: UInt8 = 0x0F

  /// Without a decryptor payloads are taken as they are. `dropsStart` is false in tests of what comes after.
  public init(
    duration: GameStreamPacketDuration, decryptor: consuming GameStreamCipher.Decryptor? = nil, dropsStart: Bool = true
  ) {
    self.decryptor = decryptor
    dropsLeft = dropsStart ? Int(Self.startDrop.milliseconds) / duration.rawValue : 0
    room = .allocate(byteCount: (ParityCode.shards + 1) * Self.stride, alignment: 16)
    room.initializeMemory(as: UInt8.self, repeating: 0)
  }

  deinit { room.deallocate() }

  /// Takes one datagram and calls `deliver` for what has become ready, in order.
  public mutating func receive(
    _ datagram: UnsafeRawBufferPointer, at now: HostTime, deliver: (GameStreamDelivery) -> Void
  ) {
    if let lastArrival, now - lastArrival >= Self.startPause { dropsLeft = 0 }
    lastArrival = now
    let shard: GameStreamShard
    do throws(GameStreamShard.Flaw) {
      shard = try GameStreamShard(parsing: datagram)
    } catch {
      statistics.malformed += 1
      if error == .misalignedBlock, dropsLeft == 0 { statistics.isIncompatible = true }
      return
    }
    guard dropsLeft == 0 else {
      // Parity is discarded too, but does not count.
      if shard.isData {
        dropsLeft -= 1
        statistics.droppedAtStart += 1
      }
      return
    }
    let payload = UnsafeRawBufferPointer(rebasing: datagram[shard.payload])
    if statistics.isIncompatible {
      // Neither order nor repair any more: straight to the decoder.
      guard shard.isData else { return }
      statistics.received += 1
      return deliverPacket(payload, sequence: shard.base &+ UInt16(shard.index), deliver)
    }
    guard enterBlock(of: shard, deliver) else { return }
    take(shard, payload, deliver)
  }

  /// Makes the shard's block the current one. False when the shard is of no use.
  private mutating func enterBlock(of shard: GameStreamShard, _ deliver: (GameStreamDelivery) -> Void) -> Bool {
    guard isSynchronised else {
      // The rest of the first block is discarded. Clients take base 0 for none, and lose one more block there.
      history.record(base: shard.base, received: BlockHistory.discarded)
      base = shard.base &+ 4 == 0 ? 4 : shard.base &+ 4
      if base == 4 { history.record(base: 0, received: BlockHistory.discarded) }
      isSynchronised = true
      if shard.isData { statistics.droppedAtStart += 1 }
      return false
    }
    // A distance of half the range is behind.
    let distance = Int16(bitPattern: shard.base &- base)
    if distance < 0 {
      countStale(shard)
      return false
    }
    guard distance > 0 else { return true }
    var skipped = Int(distance) / GameStreamFormat.blockPackets
    if present != 0 {
      giveUp(deliver)
      skipped -= 1
    }
    statistics.skippedBlocks += skipped
    startBlock(shard.base)
    return true
  }

  private mutating func countStale(_ shard: GameStreamShard) {
    switch history.classify(shard) {
    case .discarded: if shard.isData { statistics.droppedAtStart += 1 }
    case .again: statistics.duplicates += 1
    case .late:
      // Parity after its block is complete is the usual case, not a late one.
      if shard.isData { statistics.late += 1 } else { statistics.unneededParity += 1 }
    }
  }

  private mutating func take(
    _ shard: GameStreamShard, _ payload: UnsafeRawBufferPointer, _ deliver: (GameStreamDelivery) -> Void
  ) {
    let bit = UInt8(1) << shard.index
    guard present & bit == 0 else {
      statistics.duplicates += 1
      return
    }
    guard present == 0 || payload.count == shardLength else {
      // This packet, and what waits for others, is lost.
      statistics.isIncompatible = true
      return
    }
    present |= bit
    shardLength = payload.count
    place(shard.index).copyMemory(from: payload)
    if shard.isData { statistics.received += 1 } else { statistics.parity += 1 }
    while delivered < ParityCode.dataShards, present & 1 << delivered != 0 { deliverNext(deliver) }
    if delivered < ParityCode.dataShards, present.nonzeroBitCount >= ParityCode.dataShards { repair(deliver) }
    if delivered == ParityCode.dataShards { finishBlock() }
  }

  /// Four of six are here, and one or two of data are not.
  private mutating func repair(_ deliver: (GameStreamDelivery) -> Void) {
    let block = UnsafeMutableRawBufferPointer(rebasing: room[..<(ParityCode.shards * Self.stride)])
    guard ParityCode.restore(block, length: shardLength, stride: Self.stride, present: present) else { return }
    let restored = (~present & Self.allData).nonzeroBitCount
    statistics.recovered += restored
    statistics.lost += restored
    while delivered < ParityCode.dataShards { deliverNext(deliver) }
  }

  /// A later block has begun: what is here is played, what is not is concealed.
  private mutating func giveUp(_ deliver: (GameStreamDelivery) -> Void) {
    while delivered < ParityCode.dataShards {
      if present & 1 << delivered != 0 {
        deliverNext(deliver)
      } else {
        statistics.lost += 1
        statistics.concealed += 1
        deliver(.lost(sequence: base &+ UInt16(delivered)))
        delivered += 1
      }
    }
    history.record(base: base, received: present)
  }

  private mutating func finishBlock() {
    history.record(base: base, received: present)
    startBlock(base &+ UInt16(GameStreamFormat.blockPackets))
  }

  private mutating func startBlock(_ newBase: UInt16) {
    base = newBase
    present = 0
    delivered = 0
  }

  private mutating func deliverNext(_ deliver: (GameStreamDelivery) -> Void) {
    let payload = UnsafeRawBufferPointer(rebasing: place(delivered)[..<shardLength])
    deliverPacket(payload, sequence: base &+ UInt16(delivered), deliver)
    delivered += 1
  }

  private mutating func deliverPacket(
    _ payload: UnsafeRawBufferPointer, sequence: UInt16, _ deliver: (GameStreamDelivery) -> Void
  ) {
    switch decryptor {
    case .none: deliver(.packet(payload, sequence: sequence))
    case .some(let decryptor):
      let plain = place(ParityCode.shards)
      do throws(GameStreamCipherError) {
        let length = try decryptor.decrypt(payload, sequence: sequence, into: plain)
        deliver(.packet(UnsafeRawBufferPointer(rebasing: plain[..<length]), sequence: sequence))
      } catch {
        // Clients drop it without concealment.
        statistics.undecryptable += 1
      }
    }
  }

  private func place(_ index: Int) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(rebasing: room[index * Self.stride..<(index + 1) * Self.stride])
  }
}
