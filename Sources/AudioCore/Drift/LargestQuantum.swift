/// The longest of the recent cycles. A longer one counts at once; a shorter one when nothing longer has come for two to
/// four seconds. Pure.
struct LargestQuantum {
  private(set) var frames = 0
  private var recent = 0
  private var before = 0
  private var since: HostTime?

  private static var window: Int64 { @_noLocks get { 2_000_000_000 } }

  @_noLocks init() {}

  @_noLocks mutating func note(_ quantum: Int, at now: HostTime) {
    if let since {
      let passed = (now - since).nanoseconds
      if passed >= Self.window || passed < 0 {
        before = recent
        recent = 0
        self.since = now
      }
    } else {
      since = now
    }
    recent = recent > quantum ? recent : quantum
    frames = recent > before ? recent : before
  }
}
