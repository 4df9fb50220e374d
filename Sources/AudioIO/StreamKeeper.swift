public import AudioCore
public import Synchronization

/// Keeps a stream supplied with something that comes and goes, a device or a server: lives with it while it is there, says
/// why it is not, tries again. Subclasses say in `live` how.
///
/// One supervisor thread at a time runs `supervise`, and `events` is called on it.
open class StreamKeeper: @unchecked Sendable {
  /// What wakes the supervisor.
  public final let news = WakeSignal()
  /// What may be told of the stream; the subclass adds what its thread counts.
  public final let status = Mutex(StreamReport())
  /// When to try again. Supervisor thread.
  public final var plan = ReconnectPlan()
  /// Held while a stream starts: nothing is rendered before `start` returns.
  final let latch = Mutex(())
  private let events: @Sendable (StreamEvent) -> Void
  private let isTold = Atomic<Bool>(false)

  /// What cannot work is asked again now and then: configurations change.
  private static let permanentPause = HostDuration.seconds(5)

  public init(events: @escaping @Sendable (StreamEvent) -> Void) { self.events = events }

  // MARK: Thread: control

  /// With the latch held.
  final func begin() { isTold.store(false, ordering: .relaxed) }

  final func tellToEnd() {
    isTold.store(true, ordering: .releasing)
    news.wake()
  }

  open var report: StreamReport { status.withLock { $0 } }

  // MARK: Thread: supervisor

  /// Names the thread, and whatever else it needs.
  open func prepare() {}

  /// Opens and stays until it is lost or over; why it ended.
  open func live() throws(BackendError) -> BackendError { BackendError(.deviceLost, "nothing to live with") }

  final func supervise() {
    prepare()
    latch.withLock { _ in }
    while !isStopping {
      let failure: BackendError
      do throws(BackendError) {
        failure = try live()
      } catch {
        failure = error
      }
      guard !isStopping else { break }
      wait(announcing: failure)
      let now = renderNow()
      let retryAt = plan.failed(at: now).retryAt
      pause(until: failure.recovery == .permanent ? now + Self.permanentPause : retryAt)
    }
    announce(.stopped)
  }

  public final var isStopping: Bool { isTold.load(ordering: .acquiring) }

  /// Tells the format of the blocks to come, where it is another.
  public final func enter(_ format: StreamFormat) {
    let isNews = status.withLock { report in
      defer { report.format = format }
      return report.format != format
    }
    if isNews { events(.format(format)) }
  }

  private func pause(until time: HostTime) {
    while !isStopping && renderNow() < time {
      let ticket = news.ticket
      guard !isStopping else { return }
      news.wait(since: ticket, until: time)
    }
  }

  /// One loss is one event: while the same thing would help, the first cause stands.
  public final func wait(announcing error: BackendError) {
    if case .waiting(let known) = status.withLock({ $0.state }) {
      let isKnown = known.recovery == error.recovery
      // What starts has been lost before.
      guard !isKnown, error.code != .starting || known.code == .starting else { return }
    }
    announce(.waiting(error))
  }

  public final func announce(_ state: StreamState) {
    let isNews = status.withLock { report in
      defer { report.state = state }
      return report.state != state
    }
    if isNews { events(.state(state)) }
  }
}
