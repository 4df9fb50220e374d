import AudioCore
import AudioIO

/// When a stream that the server has failed may be made again.
///
/// Thread: loop.
struct StreamMishaps {
  private var plan = ReconnectPlan(first: .milliseconds(100), cap: .seconds(5))
  private var retryAt: HostTime?
  private var isBroken = false

  mutating func note(at now: HostTime) {
    isBroken = true
    retryAt = plan.failed(at: now).retryAt
  }

  /// How long to leave the stream alone; nil when it may live. A broken one is let go first.
  mutating func wait(at now: HostTime, letGo: () -> Void) -> HostDuration? {
    if isBroken {
      isBroken = false
      letGo()
    }
    guard let retryAt else { return nil }
    guard now < retryAt else {
      self.retryAt = nil
      plan.connected(at: now)
      return nil
    }
    return retryAt - now
  }
}
