import Glibc
import Mixer
import Synchronization

/// The thread that reads ahead and writes behind for a graph's file nodes.
final class FileThread: @unchecked Sendable {
  let crew: WorkCrew
  private let isEnding = Atomic<Bool>(false)
  private var thread: WorkerThread?

  /// A tenth of what a node has read ahead.
  private static let rest: UInt32 = 20_000

  init(_ crew: WorkCrew) throws(SessionError) {
    self.crew = crew
    thread = try WorkerThread("streamd-files", realTimePriority: 1) { [self] in
      while !isEnding.load(ordering: .relaxed) {
        if !crew.step() { usleep(Self.rest) }
      }
    }
  }

  /// Thread: control.
  func end() {
    isEnding.store(true, ordering: .relaxed)
    thread?.join()
    thread = nil
  }
}
