public import AudioCore
public import AudioIO
public import Recording
import Synchronization

/// What passes through one of our own threads: an encoder's input, a client's decoded voice. The recorder renders in that
/// thread.
public final class HopSource: RecordingSource {
  public let format: StreamFormat
  private let tap: HopTap
  private let title: String
  private let hasPauses: Bool
  private var client: RenderClient?
  private let pauses = Mutex<PauseFill?>(nil)
  private var absence: (@Sendable (BackendError?) -> Void)?
  private var ended: BackendError?

  /// One with pauses is silent, and not missing, while nothing passes.
  public init(_ tap: HopTap, _ layout: ChannelLayout, title: String, hasPauses: Bool = false) {
    self.tap = tap
    self.title = title
    self.hasPauses = hasPauses
    format = StreamFormat(rate: .codec, layout: layout)
  }

  public func start(
    _ client: RecorderClient, absence: @escaping @Sendable (BackendError?) -> Void
  ) throws(BackendError) {
    self.absence = absence
    let fill = hasPauses ? PauseFill(client, format.layout) : nil
    pauses.withLock { $0 = fill }
    let heard = fill ?? client
    tap.add(heard)
    self.client = heard
  }

  public func stop() {
    if let client { tap.remove(client) }
    client = nil
    pauses.withLock { $0 = nil }
  }

  /// What passed here has gone for good: time goes on without it.
  public func end(_ why: String) {
    guard ended == nil else { return }
    let error = BackendError(.noSource, why)
    ended = error
    if let client { tap.remove(client) }
    pauses.withLock { $0 = nil }
    absence?(error)
  }

  /// Thread: the recording's worker.
  public func attend(at now: HostTime) {
    guard let fill = pauses.withLock({ $0 }) else { return }
    tap.whileStill { fill.attend(at: now) }
  }

  public var report: StreamReport { report(title, ended) }
}
