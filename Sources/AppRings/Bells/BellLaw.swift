/// When the other side is woken, as a law of frames: each time there is something new for it to do, and now and then while
/// it does not react, in case a wake was lost. So a ring that nobody attends to costs fifty wakes a second and not one
/// each period.
struct BellLaw {
  private var rungAt: UInt64 = .max
  private var since = 0
  private let patience: Int

  init(patience: Int) { self.patience = patience }

  /// `isDue`: the watermark is reached. `position`: the other side's, as far as it makes sense.
  @_noLocks
  mutating func shouldRing(isDue: Bool, position: UInt64, frames: Int) -> Bool {
    since &+= frames
    guard isDue else { return false }
    guard position != rungAt || since >= patience else { return false }
    rungAt = position
    since = 0
    return true
  }
}

/// Whether the other side lives, as a law of frames.
struct LifeSign {
  private var beat: UInt64 = 0
  /// It has shown a heartbeat, so its absence means something.
  private var hasHeart = false
  /// Frames since the heart beat or its position moved.
  private var silent = 0
  /// Frames since its position moved.
  private(set) var still = 0
  private let limit: Int

  init(limit: Int) { self.limit = limit }

  /// False when the heart has stopped.
  @_noLocks
  mutating func isAlive(beat now: UInt64, moved: Bool, frames: Int) -> Bool {
    still = moved ? 0 : LifeSign.sum(still, frames)
    silent = moved || now != beat ? 0 : LifeSign.sum(silent, frames)
    if now != beat { hasHeart = true }
    beat = now
    return !hasHeart || silent < limit
  }

  @_noLocks
  private static func sum(_ a: Int, _ b: Int) -> Int { a > 1 << 40 ? a : a &+ b }
}
