public import AudioCore

/// When to try again: doubling from `first` to `cap`, for ever. Pure; time is an argument.
public struct ReconnectPlan: Sendable {
  public let first: HostDuration
  public let cap: HostDuration
  /// A connection that lived this long was good: the next failure starts from `first` again.
  public let stableAfter: HostDuration

  private var delay: HostDuration
  private var connectedAt: HostTime?
  public private(set) var failures: UInt64 = 0

  public init(
    first: HostDuration = .milliseconds(50), cap: HostDuration = .milliseconds(400),
    stableAfter: HostDuration = .seconds(5)
  ) {
    self.first = first
    self.cap = cap
    self.stableAfter = stableAfter
    delay = first
  }

  public mutating func connected(at time: HostTime) { connectedAt = time }

  /// An attempt failed or a connection ended: when to try next, and whether this failure is worth a line in the log
  /// (the 1st, 2nd, 4th, 8th …).
  public mutating func failed(at time: HostTime) -> (retryAt: HostTime, worthSaying: Bool) {
    if let since = connectedAt, time - since >= stableAfter {
      delay = first
      failures = 0
    }
    connectedAt = nil
    failures += 1
    let wait = delay
    delay = min(delay * 2, cap)
    return (time + wait, failures & (failures - 1) == 0)
  }
}
