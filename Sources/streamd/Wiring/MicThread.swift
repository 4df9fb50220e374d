import AudioCore
import Synchronization
public import VirtualMic

/// The thread of the microphone pump: sleeps until somebody says something or something is due, then steps. It ends by
/// itself when the last sender is gone.
public final class MicThread: @unchecked Sendable {
  private let pump: MicPump
  private let events: @Sendable ([MicEvent]) -> Void
  private let ending = Atomic<Bool>(false)
  private let ended = Atomic<Bool>(false)
  private var thread: WorkerThread?

  /// Below the encoders: what the player hears goes before what is heard of the player.
  private static let realTimePriority: Int32 = 4

  /// `events` is called on the pump's thread, in order; it must not take long. Thread: control.
  public init(pump: MicPump, events: @escaping @Sendable ([MicEvent]) -> Void) throws(SessionError) {
    self.pump = pump
    self.events = events
    thread = try WorkerThread("streamd-mic", realTimePriority: Self.realTimePriority) { [self] in run() }
  }

  /// Closes the queue, throws away what is in it and waits until the thread is gone. To be called once, also when the thread
  /// has ended by itself. Thread: control.
  public func stop() {
    ending.store(true, ordering: .releasing)
    pump.queue.close()
    thread?.join()
  }

  /// Whether the thread has stepped for the last time.
  public var hasEnded: Bool { ended.load(ordering: .acquiring) }

  /// `rr:4`, or `other` where the system does not allow it.
  public var scheduling: String { thread?.scheduling ?? "unknown" }

  private func run() {
    let signal = pump.queue.signal
    loop: while true {
      let ticket = signal.ticket
      let next = ending.load(ordering: .acquiring) ? pump.end() : pump.step(now: renderNow())
      let told = pump.takeEvents()
      if !told.isEmpty { events(told) }
      switch next {
      case .finished: break loop
      case .wait(let deadline): signal.wait(since: ticket, until: deadline)
      }
    }
    ended.store(true, ordering: .releasing)
  }
}
