import AudioCore
import Synchronization

/// What the render thread did in its last cycle, for the worker: fields that belong together, without a lock.
///
/// The count is odd while they are written; a reader that saw it change looks again.
struct ReadClock: ~Copyable {
  struct Reading {
    var fill: BridgeFill
    /// Whether sound is being read, not waited for.
    var isPlaying: Bool
  }

  private let count = Atomic<UInt32>(0)
  private let time = Atomic<Int64>(0)
  private let position = Atomic<Int>(0)
  /// Negative while nothing is being read.
  private let quantum = Atomic<Int>(0)

  /// Thread: render.
  @_noLocks
  func publish(time: HostTime, position: Int, quantum: Int, isPlaying: Bool) {
    let before = count.load(ordering: .relaxed)
    count.store(before &+ 1, ordering: .relaxed)
    atomicMemoryFence(ordering: .releasing)
    self.time.store(time.nanoseconds, ordering: .relaxed)
    self.position.store(position, ordering: .relaxed)
    self.quantum.store(isPlaying ? quantum : -quantum, ordering: .relaxed)
    count.store(before &+ 2, ordering: .releasing)
  }

  /// Nil before the first cycle. Thread: any but render.
  func read() -> Reading? {
    // The writer needs nanoseconds; whoever meets it this often in a row has been stopped in between each time.
    for _ in 0..<100 {
      let before = count.load(ordering: .acquiring)
      guard before > 0 else { return nil }
      let reading = Reading(
        fill: BridgeFill(
          readTime: HostTime(nanoseconds: time.load(ordering: .relaxed)),
          quantum: abs(quantum.load(ordering: .relaxed)), readPosition: position.load(ordering: .relaxed)),
        isPlaying: quantum.load(ordering: .relaxed) > 0)
      atomicMemoryFence(ordering: .acquiring)
      if before & 1 == 0, count.load(ordering: .relaxed) == before { return reading }
    }
    return nil
  }
}
