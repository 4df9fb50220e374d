/// What a graph leaves out so that the rest is in time.
public enum Relief: Int, Sendable, CaseIterable {
  case none
  /// Nodes that only measure pass sound on and do not look at it.
  case meters
  /// Nothing is rendered at all.
  case silence
}

/// When to leave out what: pure, told the share of its period that each cycle took. It gives way after three cycles in a row
/// that were too long, and takes back one step after a second that was easy; each time that was too early it waits twice
/// as long, up to a minute.
///
/// Thread: render.
struct Overload {
  /// A `Relief` as a number, which is all that render may handle.
  private(set) var relief = 0
  private var late = 0
  private var easyFrames = 0
  private var patience = 1
  private var sinceRelaxed = 0
  private let lateInRow = 3
  /// A share that leaves room for what was left out.
  private let easy: Float = 0.7
  private let longestPatience = 60

  /// True when the relief changes. `rate` in frames a second.
  @_noLocks
  mutating func judge(_ load: Float, frames: Int, rate: Int) -> Bool {
    sinceRelaxed &+= frames
    if load > 1 {
      late &+= 1
      easyFrames = 0
      guard late >= lateInRow, relief < 2 else { return false }
      late = 0
      // It was taken back too early.
      if sinceRelaxed < rate, patience < longestPatience { patience &*= 2 }
      relief &+= 1
      return true
    }
    late = 0
    guard relief > 0 else {
      if sinceRelaxed > 120 &* rate { patience = 1 }
      return false
    }
    easyFrames = load < easy ? easyFrames &+ frames : 0
    guard easyFrames >= patience &* rate else { return false }
    easyFrames = 0
    sinceRelaxed = 0
    relief &-= 1
    return true
  }
}
