import Synchronization

/// A fact that one thread states once and others read.
struct SharedFlag: ~Copyable {
  private let raised = Atomic<Bool>(false)

  /// Thread: any.
  var isRaised: Bool { @_noLocks get { raised.load(ordering: .acquiring) } }
  func raise() { raised.store(true, ordering: .releasing) }
}

/// Owns a flag that render looks at through a pointer.
final class FlagBox: @unchecked Sendable {
  let flag: UnsafeMutablePointer<SharedFlag>

  init() {
    flag = .allocate(capacity: 1)
    flag.initialize(to: SharedFlag())
  }

  deinit {
    flag.deinitialize(count: 1)
    flag.deallocate()
  }
}
