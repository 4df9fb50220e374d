internal import Glibc
internal import Synchronization

/// The control thread: one epoll loop that runs descriptor handlers, timers, signals, posted closures and the jobs of
/// `ControlActor`. It lives on the thread that calls `run()`, normally the main thread.
///
/// Fairness: a turn runs the closures and jobs that were waiting when it began, the timers that are due, then at most 64
/// descriptor events; what these add waits for the next turn.
public final class EventLoop: SerialExecutor {
  public static let shared = EventLoop()

  private enum Item {
    case job(UnownedJob)
    case closure(@Sendable @ControlActor () -> Void)
  }

  private struct Mailbox {
    var items: [Item] = []
    /// True while the loop sleeps or is about to, and nobody has woken it yet.
    var needsWake = false
  }

  private let mailbox = Locked(Mailbox())
  private let poller: Poller
  /// The thread inside `run()`, 0 outside.
  private let owner = Atomic<UInt>(0)
  private let stopping = Atomic<Bool>(false)

  @ControlActor private var watches: [Int32: DescriptorWatch] = [:]
  @ControlActor private var lastGeneration: UInt32 = 0
  @ControlActor private var timers = TimerQueue<@ControlActor () -> Void>()
  @ControlActor private var alarm: Monotonic?

  private init() {
    do throws(SystemError) {
      poller = try Poller.open()
    } catch {
      fatalError("the control loop cannot start: \(error)")
    }
  }

  // MARK: running

  /// Runs turns on the calling thread until `stop()`. What is still waiting then stays for the next `run()`.
  public func run() {
    let (exchanged, _) = owner.compareExchange(expected: 0, desired: pthread_self(), ordering: .acquiringAndReleasing)
    precondition(exchanged, "the control loop runs already")
    while !stopping.load(ordering: .acquiring) {
      runMailbox()
      ControlActor.assumeIsolated { turn() }
    }
    stopping.store(false, ordering: .releasing)
    owner.store(0, ordering: .releasing)
  }

  /// Ends `run()` after the current turn. Thread: any.
  public func stop() {
    stopping.store(true, ordering: .releasing)
    mailbox.withLock { $0.needsWake = false }
    poller.wake()
  }

  /// Runs `closure` on the control thread in a later turn, in the order of posting. Thread: any but render threads.
  public func post(_ closure: @escaping @Sendable @ControlActor () -> Void) { add(.closure(closure)) }

  public func enqueue(_ job: consuming ExecutorJob) { add(.job(UnownedJob(job))) }

  private func add(_ item: Item) {
    let mustWake = mailbox.withLock { mailbox in
      mailbox.items.append(item)
      defer { mailbox.needsWake = false }
      return mailbox.needsWake
    }
    if mustWake { poller.wake() }
  }

  private func runMailbox() {
    let items = mailbox.withLock { mailbox in
      defer { mailbox.items = [] }
      return mailbox.items
    }
    for item in items {
      switch item {
      case .job(let job): unsafe job.runSynchronously(on: asUnownedSerialExecutor())
      case .closure(let closure): ControlActor.assumeIsolated { closure() }
      }
    }
  }

  @ControlActor private func turn() {
    runTimers()
    let mayBlock = mailbox.withLock { mailbox in
      mailbox.needsWake = mailbox.items.isEmpty
      return mailbox.needsWake
    }
    let events = poller.wait(sleeping: mayBlock && !stopping.load(ordering: .acquiring))
    mailbox.withLock { $0.needsWake = false }
    for event in events {
      // The generation differs when an earlier handler of this turn closed the descriptor and its number was reused.
      guard let watch = watches[Int32(truncatingIfNeeded: event.tag)], watch.tag == event.tag else { continue }
      watch.handler(event.readiness)
    }
  }

  // MARK: isolation

  /// Whether the caller runs on the control thread.
  public var isCurrent: Bool { owner.load(ordering: .acquiring) == pthread_self() }

  public func checkIsolated() { precondition(isCurrent, "not on the control thread") }

  public func isIsolatingCurrentContext() -> Bool? { isCurrent }

  public func isSameExclusiveExecutionContext(other: EventLoop) -> Bool { self === other }

  public func asUnownedSerialExecutor() -> UnownedSerialExecutor { unsafe UnownedSerialExecutor(complexEquality: self) }

  // MARK: timers

  /// Runs `body` after a delay, once or, with `every`, again and again in step.
  @ControlActor @discardableResult
  public func schedule(
    after delay: Duration, every period: Duration? = nil, _ body: @escaping @ControlActor () -> Void
  ) -> LoopTimer {
    defer { updateAlarm() }
    return timers.add(at: .now + delay, every: period, body)
  }

  @ControlActor public func cancel(_ timer: LoopTimer) { timers.cancel(timer) }

  @ControlActor private func runTimers() {
    guard let deadline = timers.next() else { return }
    let now = Monotonic.now
    guard deadline <= now else { return updateAlarm() }
    while let due = timers.take(at: now) { due.body() }
    updateAlarm()
  }

  @ControlActor private func updateAlarm() {
    let deadline = timers.next()
    guard deadline != alarm else { return }
    alarm = deadline
    poller.setAlarm(deadline)
  }

  // MARK: descriptors

  /// Calls `handler` whenever `descriptor` is ready, until the watch is cancelled. The caller keeps owning the
  /// descriptor and cancels the watch before closing it.
  @ControlActor
  public func watch(
    _ descriptor: Int32, for interest: Readiness, _ handler: @escaping @ControlActor (Readiness) -> Void
  ) throws(SystemError) -> DescriptorWatch {
    precondition(watches[descriptor] == nil, "descriptor \(descriptor) is watched already")
    lastGeneration &+= 1
    // The top bit stays clear: the largest tags belong to the poller.
    let tag = UInt64(lastGeneration & 0x7FFF_FFFF) << 32 | UInt64(UInt32(bitPattern: descriptor))
    try poller.add(descriptor, interest, tag: tag)
    let watch = DescriptorWatch(descriptor: descriptor, tag: tag, interest: interest, handler: handler)
    watches[descriptor] = watch
    return watch
  }

  @ControlActor func update(_ watch: DescriptorWatch, to interest: Readiness) throws(SystemError) {
    try poller.modify(watch.descriptor, interest, tag: watch.tag)
  }

  @ControlActor func remove(_ watch: DescriptorWatch) {
    watches[watch.descriptor] = nil
    poller.remove(watch.descriptor)
  }
}
