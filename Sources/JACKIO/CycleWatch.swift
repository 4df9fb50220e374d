import AudioCore

/// Whether a server runs our cycles, from their count. Pure; time is an argument.
struct CycleWatch: Sendable {
  enum Verdict: Sendable { case moving, awaited, stalled }

  let patience: HostDuration
  /// When it was last seen to move, or began to be watched.
  private(set) var since: HostTime
  private var count: UInt64 = 0
  private var hasStalled = false

  init(patience: HostDuration, at now: HostTime) {
    self.patience = patience
    since = now
  }

  /// No cycle is expected.
  mutating func rest(at now: HostTime) {
    since = now
    hasStalled = false
  }

  /// `hasMoved`: the render client has been called since that was last taken back.
  mutating func look(cycles: UInt64, hasMoved: Bool, at now: HostTime) -> Verdict {
    if cycles != count {
      count = cycles
      since = now
      if hasMoved { hasStalled = false }
    }
    if hasStalled || now - since >= patience {
      hasStalled = true
      return .stalled
    }
    return hasMoved ? .moving : .awaited
  }
}
