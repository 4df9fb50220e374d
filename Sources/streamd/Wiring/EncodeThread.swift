import AudioCore
import CLinux
import Capture
import Glibc
import Synchronization

/// The thread of one encoder: sleeps until its ring has a frame or silence is due, then steps.
final class EncodeThread: @unchecked Sendable {
  private let encoder: FrameEncoder
  private let signal: WakeSignal
  private let ending = Atomic<Bool>(false)
  private let priority = Atomic<Int>(-1)
  private var thread = pthread_t()

  /// A little real-time priority keeps a packet on time under load; a frame costs well under a millisecond of it.
  private static let realTimePriority: Int32 = 5

  /// Thread: control.
  init(encoder: FrameEncoder, signal: WakeSignal) throws(SessionError) {
    self.encoder = encoder
    self.signal = signal
    let result = pthread_create(&thread, nil, encodeThreadMain, Unmanaged.passRetained(self).toOpaque())
    guard result == 0 else {
      Unmanaged.passUnretained(self).release()
      throw SessionError(code: "thread", message: String(cString: strerror(result)))
    }
  }

  /// Waits until the thread is gone. Thread: control.
  func stop() {
    ending.store(true, ordering: .releasing)
    signal.wake()
    pthread_join(thread, nil)
  }

  /// `rr:5`, or `other` where the system does not allow it.
  var scheduling: String {
    switch priority.load(ordering: .relaxed) {
    case ..<0: "unknown"
    case 0: "other"
    case let value: "rr:\(value)"
    }
  }

  fileprivate func run() {
    let refused = clinux_thread_setup("streamd-encode", Self.realTimePriority) != 0
    priority.store(refused ? 0 : Int(Self.realTimePriority), ordering: .relaxed)
    _ = render_flush_denormals()
    while !ending.load(ordering: .acquiring) {
      let ticket = signal.ticket
      guard let deadline = encoder.step(now: renderNow()) else { continue }
      signal.wait(since: ticket, until: deadline)
    }
  }
}

private func encodeThreadMain(_ raw: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  Unmanaged<EncodeThread>.fromOpaque(raw!).takeRetainedValue().run()
  return nil
}
