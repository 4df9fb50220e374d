import AudioCore
import Capture
import Synchronization

/// The thread of one encoder: sleeps until its ring has a frame or silence is due, then steps.
final class EncodeThread: @unchecked Sendable {
  private let encoder: FrameEncoder
  private let signal: WakeSignal
  private let ending = Atomic<Bool>(false)
  private var thread: WorkerThread?

  /// A little real-time priority keeps a packet on time under load; a frame costs well under a millisecond of it.
  private static let realTimePriority: Int32 = 5

  /// Thread: control.
  init(encoder: FrameEncoder, signal: WakeSignal) throws(SessionError) {
    self.encoder = encoder
    self.signal = signal
    thread = try WorkerThread("streamd-encode", realTimePriority: Self.realTimePriority) { [self] in run() }
  }

  /// Waits until the thread is gone. Thread: control.
  func stop() {
    ending.store(true, ordering: .releasing)
    signal.wake()
    thread?.join()
  }

  /// `rr:5`, or `other` where the system does not allow it.
  var scheduling: String { thread?.scheduling ?? "unknown" }

  private func run() {
    while !ending.load(ordering: .acquiring) {
      let ticket = signal.ticket
      guard let deadline = encoder.step(now: renderNow()) else { continue }
      signal.wait(since: ticket, until: deadline)
    }
  }
}
