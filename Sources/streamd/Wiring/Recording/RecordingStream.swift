public import AudioCore
public import AudioIO
public import Recording
import Synchronization

/// A source, a recording of it, and the thread that brings it to the disk.
///
/// Thread: control.
public final class RecordingStream: @unchecked Sendable {
  public let source: any RecordingSource
  public let recording: Recording
  public private(set) var startedAt: HostTime?
  private let state = Mutex(State())
  private let news = WakeSignal()
  private var thread: WorkerThread?

  private struct State {
    var absence: BackendError?
    var isEnding = false
    var end: HostTime?
    var isSaved = false
    var isOver = false
  }

  /// Twenty times a second: a small part of what memory holds.
  private static let rest = HostDuration.milliseconds(50)
  /// For a disk that refuses, at the end.
  private static let patience = HostDuration.seconds(5)

  /// `told` is called by threads of the recording; `absence` when the source goes or comes back; `over` when all has been
  /// done, and whether all is saved.
  public init(
    _ source: any RecordingSource, _ terms: Recording.Terms, disk: any DiskLayer = Disk(),
    told: @escaping @Sendable (Recording.Event) -> Void, absence: @escaping @Sendable (BackendError?) -> Void,
    over: @escaping @Sendable (Bool) -> Void
  ) throws(RecordingError) {
    self.source = source
    recording = try Recording(terms, disk: disk, told: told)
    do throws(SessionError) {
      thread = try WorkerThread("streamd-record", realTimePriority: 0) { [self] in run(over) }
    } catch {
      _ = recording.finish(at: renderNow())
      throw RecordingError(.memory, error.message)
    }
    do throws(BackendError) {
      try source.start(recording.client) { [weak self] error in
        guard let self else { return }
        state.withLock { $0.absence = error }
        recording.sourceIsAbsent(error != nil)
        absence(error)
      }
    } catch {
      discard()
      throw RecordingError(.badField, error.description, field: "device")
    }
  }

  /// Position 0 is at that time, or with the next block.
  public func begin(at time: HostTime? = nil) {
    startedAt = time ?? renderNow()
    recording.begin(at: time)
  }

  /// Why there is nothing to hear; nil while there is.
  public var absence: BackendError? { state.withLock { $0.absence } }

  /// Returns at once when the source has stopped; the rest is the thread's.
  public func stop() {
    source.stop()
    state.withLock {
      guard !$0.isEnding else { return }
      $0.isEnding = true
      $0.end = renderNow()
    }
    news.wake()
  }

  /// After `stop`: waits until all has been done, which takes as long as a disk does. Thread: any.
  public func join() {
    thread?.join()
    thread = nil
  }

  /// Ends what has not begun, and leaves nothing of it.
  public func discard() {
    stop()
    join()
    recording.discard()
  }

  public func switchChunk(next name: String? = nil) {
    recording.switchChunk(next: name)
    news.wake()
  }

  // MARK: Thread: worker

  private func run(_ over: @Sendable (Bool) -> Void) {
    while true {
      let ticket = news.ticket
      let state = state.withLock { $0 }
      if state.isEnding { break }
      source.attend(at: renderNow())
      recording.step(at: renderNow())
      news.wait(since: ticket, until: renderNow() + Self.rest)
    }
    let end = state.withLock { $0.end } ?? renderNow()
    let deadline = renderNow() + Self.patience
    var isSaved = recording.finish(at: end)
    while !isSaved, renderNow() < deadline {
      news.wait(since: news.ticket, until: renderNow() + .milliseconds(100))
      isSaved = recording.finish(at: end)
    }
    over(isSaved)
  }
}
