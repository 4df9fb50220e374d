public import AppRings
import AudioCore
import Synchronization

/// The thread that wakes applications: sleeps until a render thread says that a bell is due, and rings it.
public final class RingBellThread: Sendable {
  public let bells = RingBells()
  private let ending = Atomic<Bool>(false)
  private let thread = Mutex<WorkerThread?>(nil)

  /// Below what makes sound: a bell that comes late finds an application with sound in hand.
  private static let realTimePriority: Int32 = 3

  public init() {}

  /// Begins, if it has not yet. Thread: control.
  public func start() throws(SessionError) {
    guard thread.withLock({ $0 == nil }) else { return }
    let started = try WorkerThread("streamd-rings", realTimePriority: Self.realTimePriority) { [self] in run() }
    thread.withLock { $0 = started }
  }

  /// Waits until the thread is gone. Thread: control.
  public func stop() {
    ending.store(true, ordering: .releasing)
    bells.signal.wake()
    thread.withLock { $0 }?.join()
    thread.withLock { $0 = nil }
  }

  /// `rr:3`, or `other` where the system does not allow it; nil while there is none.
  public var scheduling: String? { thread.withLock { $0?.scheduling } }

  private func run() {
    while true {
      let ticket = bells.signal.ticket
      if ending.load(ordering: .acquiring) { return }
      bells.ringDue()
      bells.signal.wait(since: ticket, until: nil)
    }
  }
}
