import AudioCore
import CLinux
import Glibc
import Synchronization

/// A thread of ours that is not a data thread: named, with a little real-time priority where the system allows it.
final class WorkerThread: @unchecked Sendable {
  private let name: String
  private let wanted: Int32
  /// The thread's, which lets go of it at its end.
  private var body: (@Sendable () -> Void)?
  private let priority = Atomic<Int>(-1)
  private var thread = pthread_t()

  /// The body keeps its owner alive until it returns. Thread: control.
  init(
    _ name: String, realTimePriority: Int32, _ body: @escaping @Sendable () -> Void
  ) throws(SessionError) {
    self.name = name
    wanted = realTimePriority
    self.body = body
    let result = pthread_create(&thread, nil, workerThreadMain, Unmanaged.passRetained(self).toOpaque())
    guard result == 0 else {
      Unmanaged.passUnretained(self).release()
      throw SessionError(code: "thread", message: String(cString: strerror(result)))
    }
  }

  /// Waits until the body has returned. To be called once. Thread: control.
  func join() { pthread_join(thread, nil) }

  /// In place of `join`, for one that ends by itself. Thread: control.
  func detach() { pthread_detach(thread) }

  /// Such as `rr:5`, or `other` where the system does not allow it.
  var scheduling: String {
    switch priority.load(ordering: .relaxed) {
    case ..<0: "unknown"
    case 0: "other"
    case let value: "rr:\(value)"
    }
  }

  fileprivate func run() {
    let refused = clinux_thread_setup(name, wanted) != 0
    priority.store(refused ? 0 : Int(wanted), ordering: .relaxed)
    _ = render_flush_denormals()
    body?()
    body = nil
  }
}

private func workerThreadMain(_ raw: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  Unmanaged<WorkerThread>.fromOpaque(raw!).takeRetainedValue().run()
  return nil
}
