public import AudioCore

/// How often something is asserted again that somebody else undoes: so many times within a while, then never, until
/// it is told otherwise. Thread: any, it is a value.
public struct FightDamper: Sendable, Equatable {
  public static let defaultLimit = 5

  public let limit: Int
  public let window: HostDuration
  /// The times of the last assertions; at most `limit`.
  private var assertions: [HostTime] = []
  /// Given up.
  public private(set) var isFight = false

  public init(limit: Int = defaultLimit, window: HostDuration = .seconds(30)) {
    self.limit = limit
    self.window = window
  }

  /// Whether it may be asserted once more; counts it if so.
  public mutating func allows(at now: HostTime) -> Bool {
    guard !isFight else { return false }
    assertions.removeAll { now - $0 > window }
    guard assertions.count < limit else {
      isFight = true
      return false
    }
    assertions.append(now)
    return true
  }

  /// Begins anew: somebody changed what is wanted.
  public mutating func reset() {
    assertions = []
    isFight = false
  }
}
