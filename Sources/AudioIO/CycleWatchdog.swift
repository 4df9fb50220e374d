public import AudioCore

/// Notices that something which should run has stood still, and says when to start it anew. Pure: time is an argument.
public struct CycleWatchdog: Sendable {
  /// Standing still for so long is no pause of the machine.
  private let patience: HostDuration
  private var cycles: UInt64 = 0
  private var movedAt: HostTime?
  /// Restarts in a row that have not helped.
  private var attempts = 0

  /// Between restarts that do not help: twice as long each time, up to this.
  private static let longest = HostDuration.seconds(60)

  public init(patience: HostDuration) { self.patience = patience }

  /// True when it should be started anew: it says that it runs, and its count of cycles has not moved for too long.
  public mutating func look(isRunning: Bool, cycles count: UInt64, at now: HostTime) -> Bool {
    guard isRunning else {
      movedAt = nil
      return false
    }
    guard let movedAt, count == cycles else {
      // The first look says nothing of what was before.
      if movedAt != nil { attempts = 0 }
      cycles = count
      movedAt = now
      return false
    }
    guard now - movedAt >= pause else { return false }
    attempts += 1
    self.movedAt = nil
    return true
  }

  private var pause: HostDuration {
    let factor = Int64(1) << Int64(min(attempts, 10))
    return min(HostDuration(nanoseconds: patience.nanoseconds * factor), max(Self.longest, patience))
  }
}
