import Synchronization

/// The slow halves of the nodes there are: control says which, one thread works on them meanwhile.
public final class WorkCrew: Sendable {
  private let workers = Mutex<[any NodeWorker]>([])

  init() {}

  /// Thread: control.
  func assign(_ list: [any NodeWorker]) { workers.withLock { $0 = list } }

  /// One round; false when nobody had anything to do. Thread: the one that stands for all workers.
  public func step() -> Bool {
    let list = workers.withLock { $0 }
    var worked = false
    for worker in list where worker.step() { worked = true }
    return worked
  }

  /// Whether there is anybody to work at all. Thread: any.
  public var isEmpty: Bool { workers.withLock { $0.isEmpty } }
}
