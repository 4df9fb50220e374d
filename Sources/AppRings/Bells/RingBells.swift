public import AudioCore
import CLinux
import Glibc
import Synchronization

/// The counters by which applications are woken. A render thread only says which (`BellWord`); this is for a thread of its
/// own, because a counter is shared with the application, which can make any write to it block.
public final class RingBells: @unchecked Sendable {
  /// Wakes whoever rings.
  public let signal = WakeSignal()
  private let bells = Mutex<[RingBell]>([])

  public init() {}

  /// Rings what is due. Thread: the one that rings.
  public func ringDue() {
    for bell in bells.withLock({ $0 }) { bell.ringIfDue() }
  }

  func add(_ bell: RingBell) { bells.withLock { $0.append(bell) } }

  func remove(_ bell: RingBell) { bells.withLock { $0.removeAll { $0 === bell } } }
}

/// What render says about one counter.
struct BellWord: ~Copyable {
  let isDue = Atomic<Bool>(false)
}

/// One counter, closed with its last user.
final class RingBell: @unchecked Sendable {
  let word: UnsafeMutablePointer<BellWord>
  let descriptor: Int32
  /// The application made it blocking: it is never rung again.
  private let tampered = Atomic<Bool>(false)
  private let rings = Atomic<Int>(0)

  /// Thread: control.
  init() throws(RingError) {
    descriptor = clinux_counter_create()
    guard descriptor >= 0 else { throw RingError(.descriptors, errno: -descriptor) }
    word = .allocate(capacity: 1)
    word.initialize(to: BellWord())
  }

  deinit {
    close(descriptor)
    word.deinitialize(count: 1)
    word.deallocate()
  }

  var isTampered: Bool { tampered.load(ordering: .relaxed) }
  var count: Int { rings.load(ordering: .relaxed) }

  /// Thread: any but render.
  func ringIfDue() {
    if word.pointee.isDue.exchange(false, ordering: .acquiring) { ring() }
  }

  /// Thread: any but render.
  func ring() {
    guard !isTampered else { return }
    if clinux_counter_ring(descriptor) != 0 { tampered.store(true, ordering: .relaxed) }
    rings.add(1, ordering: .relaxed)
  }
}

/// Render's face of a bell.
struct BellFace {
  let word: UnsafeMutablePointer<BellWord>
  let wake: UnsafeMutablePointer<WakeWord>

  /// Thread: render.
  @_noLocks
  func ring() {
    word.pointee.isDue.store(true, ordering: .releasing)
    wake.wake()
  }
}
