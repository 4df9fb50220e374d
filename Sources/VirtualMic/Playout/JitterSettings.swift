public import AudioCore

/// Bounds of a jitter buffer.
public struct JitterSettings: Hashable, Sendable {
  /// Usual length of a packet's audio, until packets tell.
  public var packet: FrameCount
  /// Most packets held. More is a flood: the oldest go.
  public var capacity: Int
  /// Upper bound of the delay added on purpose, in packets.
  public var delayLimit: Int
  /// Lower bound of that delay; a packet's length when it is less.
  public var leastDelay: HostDuration
  /// Share of packets that may come too late for the delay.
  public var lateShare: Double
  /// Silence from the network that counts as a stall instead of as jitter, and how long packets must keep coming too
  /// late before the clock is set anew.
  public var stall: HostDuration

  public init(
    packet: FrameCount = 240, capacity: Int = 64, delayLimit: Int = 48, leastDelay: HostDuration = .zero,
    lateShare: Double = 0.005, stall: HostDuration = .milliseconds(250)
  ) {
    precondition(packet.value > 0 && capacity >= 4 && (1..<capacity).contains(delayLimit))
    self.packet = packet
    self.capacity = capacity
    self.delayLimit = delayLimit
    self.leastDelay = leastDelay
    self.lateShare = lateShare
    self.stall = stall
  }
}

/// What became of a packet handed in.
public enum Insertion: Hashable, Sendable {
  case accepted
  /// The same packet came before.
  case duplicate
  /// Its time to be played had passed.
  case late
  /// Accepted as a new beginning: the sender's clock or numbers jumped, or everything had been late for a while.
  case restarted
  /// Of another sender while the current one still sends, or longer than a packet may be.
  case foreign
}

/// What to play next.
public enum Playout: Hashable, Sendable {
  /// Nothing is due before this time.
  case early(until: HostTime)
  /// Nothing has come yet, or nothing for so long that the stream counts as paused. Not bound to time.
  case idle
  /// A packet, in the caller's array.
  case packet
  /// This much is missing. When `next` is set the packet after it, in the caller's array, may carry a copy.
  case conceal(FrameCount, next: Bool)
  /// The sender let this much time pass on purpose.
  case silence(FrameCount)
}

/// Counts since the buffer was made.
public struct JitterStatistics: Hashable, Sendable {
  public init() {}

  public var received: UInt64 = 0
  public var played: UInt64 = 0
  /// Never came, by their numbers. Falls when a packet counted as missing comes after all.
  public var lost: UInt64 = 0
  public var late: UInt64 = 0
  public var duplicates: UInt64 = 0
  /// Came after a packet with a higher number.
  public var reordered: UInt64 = 0
  /// Thrown away unplayed: flood, or the player did not ask for too long.
  public var skipped: UInt64 = 0
  public var restarts: UInt64 = 0
  public var foreign: UInt64 = 0
  /// Frames made up by concealment, and frames of silence the sender left out.
  public var concealedFrames: UInt64 = 0
  public var silentFrames: UInt64 = 0
}
