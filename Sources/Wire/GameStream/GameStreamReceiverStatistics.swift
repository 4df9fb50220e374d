/// What a receiver has seen, in packets unless it says otherwise.
public struct GameStreamReceiverStatistics: Hashable, Sendable {
  /// Data and parity that were new and in time.
  public var received = 0
  public var parity = 0
  /// Data that did not come in time, of blocks of which something came: `recovered` and `concealed` together.
  public var lost = 0
  public var recovered = 0
  public var concealed = 0
  /// Blocks of which nothing came, lost or never sent: nobody can tell.
  public var skippedBlocks = 0
  public var duplicates = 0
  /// Data that came after it had been recovered, concealed or skipped.
  public var late = 0
  /// Parity of blocks that were complete without it: all of it, on a network without loss.
  public var unneededParity = 0
  /// Data discarded by the rule of the start, before the first block that is played.
  public var droppedAtStart = 0
  public var malformed = 0
  public var undecryptable = 0
  /// A size changed inside a block, or a block did not start at a multiple of four: for the rest of the session packets
  /// are taken as they come, without order or repair.
  public var isIncompatible = false

  public init() {}
}

/// Which shards of the newest finished blocks came, to tell duplicates from latecomers.
struct BlockHistory {
  static let blocks = 64
  /// In place of shards: a block whose packets count as dropped at the start.
  static let discarded: UInt8 = 0x80

  enum Staleness { case again, late, discarded }

  private var entries = [(base: UInt16, received: UInt8)?](repeating: nil, count: blocks)

  mutating func record(base: UInt16, received: UInt8) { entries[Self.slot(base)] = (base, received) }

  /// Of a shard that belongs to a block before the current one. Remembers it.
  mutating func classify(_ shard: GameStreamShard) -> Staleness {
    guard let entry = entries[Self.slot(shard.base)], entry.base == shard.base else { return .late }
    if entry.received == Self.discarded { return .discarded }
    let bit = UInt8(1) << shard.index
    entries[Self.slot(shard.base)]?.received |= bit
    return entry.received & bit == 0 ? .late : .again
  }

  private static func slot(_ base: UInt16) -> Int { Int(base >> 2) % blocks }
}
