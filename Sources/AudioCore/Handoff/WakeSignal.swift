import CLinux
public import Synchronization

/// Wakes a worker from the render thread: a counter and a futex, one system call and only when somebody waits.
public final class WakeSignal: @unchecked Sendable {
  private let word: UnsafeMutablePointer<WakeWord>

  public init() {
    word = .allocate(capacity: 1)
    word.initialize(to: WakeWord())
  }

  deinit {
    word.deinitialize(count: 1)
    word.deallocate()
  }

  /// For render state, which holds no references. The signal must outlive it.
  public var renderFace: UnsafeMutablePointer<WakeWord> { word }

  /// Thread: any.
  public func wake() { word.wake() }

  /// Counts wakes; read it before looking for work, then pass it to `wait`.
  public var ticket: UInt32 { word.pointee.count.load(ordering: .acquiring) }

  /// Sleeps until a wake after `ticket`, or the deadline. Thread: the one worker.
  public func wait(since ticket: UInt32, until deadline: HostTime?) {
    word.pointee.waiters.store(1, ordering: .sequentiallyConsistent)
    _ = clinux_futex_wait(UnsafeRawPointer(word), ticket, deadline?.nanoseconds ?? -1)
    word.pointee.waiters.store(0, ordering: .relaxed)
  }
}

/// The shared word of a signal. The counter comes first: it is the futex.
@frozen
public struct WakeWord: ~Copyable {
  @usableFromInline let count = Atomic<UInt32>(0)
  @usableFromInline let waiters = Atomic<UInt32>(0)

  @usableFromInline init() {}
}

// On the pointer: a mutating method would claim the whole word, which two threads share.
extension UnsafeMutablePointer<WakeWord> {
  /// Thread: render.
  @_noLocks @inlinable public func wake() {
    pointee.count.add(1, ordering: .sequentiallyConsistent)
    guard pointee.waiters.load(ordering: .sequentiallyConsistent) != 0 else { return }
    renderWake(self)
  }
}
