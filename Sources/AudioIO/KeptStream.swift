import AudioCore
import Glibc
import Synchronization

/// A stream to its owner. Its threads live from `start` to `stop`, whatever becomes of the device or the server.
///
/// `stop` must not be called from `events`: it waits for the thread that calls them.
public final class KeptStream: AudioStream {
  private let keeper: StreamKeeper
  private let thread = Mutex<pthread_t?>(nil)

  public init(_ keeper: StreamKeeper) { self.keeper = keeper }

  deinit { stop() }

  public func start() throws(BackendError) {
    let failure: BackendError? = thread.withLock { thread in
      guard thread == nil else { return nil }
      var made = pthread_t()
      let result = keeper.latch.withLock { _ in
        keeper.begin()
        let own = Unmanaged.passRetained(keeper)
        let result = pthread_create(&made, nil, supervisorMain, own.toOpaque())
        if result != 0 { own.release() }
        return result
      }
      guard result == 0 else {
        return BackendError(.deviceLost, "no thread for the stream: \(String(cString: strerror(result)))")
      }
      thread = made
      return nil
    }
    if let failure { throw failure }
  }

  public func stop() {
    thread.withLock { thread in
      guard let running = thread else { return }
      precondition(pthread_equal(running, pthread_self()) == 0, "a stream cannot be stopped by its own event")
      keeper.tellToEnd()
      pthread_join(running, nil)
      thread = nil
    }
  }

  public var report: StreamReport { keeper.report }
}

private func supervisorMain(_ raw: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  Unmanaged<StreamKeeper>.fromOpaque(raw!).takeRetainedValue().supervise()
  return nil
}
