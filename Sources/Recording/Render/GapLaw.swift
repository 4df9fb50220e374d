import AudioCore

/// How many frames are missing before a block. Pure. Thread: render.
///
/// Positions count what the device has captured and are exact, as long as it is the same device's clock that counts. Where a
/// block says that it does not follow the one before, that is so only if the time that has passed agrees.
struct GapLaw {
  let hertz: Int
  /// Position and time at which the block before ended.
  private var position: Int64 = 0
  private var time: Int64 = 0
  private var isBegun = false

  init(hertz: Int) { self.hertz = hertz }

  /// Less than this by the clock alone is a clock's unrest.
  private static var unrest: Int64 { @_noLocks get { 5_000_000 } }
  /// A century is no gap.
  private static var most: Int64 { @_noLocks get { 3_000_000_000_000_000_000 } }

  @_noLocks
  mutating func missing(before cycle: Cycle) -> Int {
    defer {
      position = cycle.position &+ Int64(cycle.frames)
      time = cycle.time.nanoseconds &+ nanoseconds(cycle.frames)
      isBegun = true
    }
    guard isBegun else { return 0 }
    let jump = cycle.position &- position
    guard cycle.flags.contains(.discontinuity) else { return jump > 0 && jump < 1 << 48 ? Int(jump) : 0 }
    let passed = cycle.time.nanoseconds &- time
    guard passed < Self.most, passed > -Self.most else { return 0 }
    let counted = jump > 0 && jump < 1 << 48 ? nanoseconds(Int(jump)) : 0
    let quantum = nanoseconds(cycle.quantum) &* 2
    let slack = quantum > passed / 100 ? quantum : passed / 100
    let apart = counted > passed ? counted &- passed : passed &- counted
    if counted > 0, apart <= slack { return Int(jump) }
    return passed > Self.unrest ? frames(passed) : 0
  }

  @_noLocks
  func nanoseconds(_ frames: Int) -> Int64 {
    Int64(frames / hertz) &* 1_000_000_000 &+ Int64(frames % hertz) &* 1_000_000_000 / Int64(hertz)
  }

  /// The nearest whole number. Not of a negative time.
  @_noLocks
  func frames(_ nanoseconds: Int64) -> Int {
    let seconds = nanoseconds / 1_000_000_000
    let rest = nanoseconds % 1_000_000_000
    return Int(seconds) &* hertz &+ Int((rest &* Int64(hertz) &+ 500_000_000) / 1_000_000_000)
  }
}
