public import AudioCore

/// Why a datagram was not heard.
public enum MicRefusal: String, Hashable, Sendable, CaseIterable {
  /// No protocol that is spoken here.
  case notOurs = "not_ours"
  case badVersion = "bad_version"
  /// Too short for what it says it is.
  case truncated
  case oversize
  /// What it says it is, it cannot be.
  case malformed
  /// Nobody's key opens it, or nobody has its number.
  case unknownSession = "unknown_session"
  case wrongHost = "wrong_host"
  /// From a known client, or in its name, but not with its key.
  case forged
  case replayed
  /// Its number is far from what was due; a few in a row after a quiet while are a new start.
  case leap
  /// Opus in the clear where encryption is agreed.
  case plaintext
  /// More than a sender can have to say.
  case rate
}

/// A count for each reason.
public struct MicRefusals: Hashable, Sendable {
  private var counts = [UInt64](repeating: 0, count: MicRefusal.allCases.count)

  public init() {}

  public subscript(_ reason: MicRefusal) -> UInt64 { counts[Self.place[reason]!] }
  public var total: UInt64 { counts.reduce(0, &+) }

  mutating func note(_ reason: MicRefusal) { counts[Self.place[reason]!] &+= 1 }

  private static let place = Dictionary(uniqueKeysWithValues: zip(MicRefusal.allCases, 0...))
}

/// What is known of one session.
public struct MicSessionFacts: Hashable, Sendable {
  public var frames: UInt64 = 0
  public var pauses: UInt64 = 0
  public var keepalives: UInt64 = 0
  public var pings: UInt64 = 0
  /// Sane packets from an address that had not yet sent enough of them.
  public var waiting: UInt64 = 0
  /// New starts of the client's numbers.
  public var restarts: UInt64 = 0
  /// Changes of address.
  public var moves: UInt64 = 0
  public var refused = MicRefusals()
  /// Where it was heard last.
  public var source: MicSource?
  public var heardAt: HostTime?
  /// The client says that its user has muted it.
  public var isMuted = false
  /// Has shown that it pads twice.
  public var padsTwice = false
  public var isPlaintext = false

  public init() {}

  mutating func heard(from source: MicSource, at now: HostTime) {
    if self.source != source {
      if self.source != nil { moves += 1 }
      self.source = source
    }
    heardAt = now
  }
}

/// What is known of the door itself: datagrams that no session can be blamed for.
public struct MicDoorFacts: Hashable, Sendable {
  public var datagrams: UInt64 = 0
  public var refused = MicRefusals()
  /// Pings that name nobody.
  public var namelessPings: UInt64 = 0

  public init() {}
}

/// What a datagram turned out to be.
public enum MicEntry: Hashable, Sendable {
  case frame(TalkerID, MicFrame)
  /// The client is there; nothing to play.
  case alive(TalkerID)
  case ping(TalkerID?)
  /// It could be this session's, which shows with the next ones.
  case waiting(TalkerID)
  case refused(MicRefusal, TalkerID?)
}
