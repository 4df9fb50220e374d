import AudioCore
import AudioIO
import Mixer
import Synchronization

/// The one or two captures of a sink behind a downlink: opens, blends and closes them as the policy says.
/// Thread: control, but for what the backend's thread drops into the queue.
final class CapturePaths: SoundPath {
  typealias Path = CaptureModePolicy.Path

  private let backend: any AudioBackend
  private let key: Downlink.Key
  private let name: String
  private let filter: SourceFilter?
  private let mode: CaptureMode
  private let blend: SourceBlend
  private let queue = Queue()
  private let format: @Sendable (StreamFormat) -> Void
  private let attention: @Sendable () -> Void
  private var policy: CaptureModePolicy
  private var streams: [Path: any AudioStream] = [:]
  private var states: [Path: StreamState] = [:]
  private var isFading = false

  /// `format` and `attention` are called on the backend's thread: the one before the first block in that format, the
  /// other when `attend` has something to do.
  init(
    backend: any AudioBackend, key: Downlink.Key, name: String, filter: SourceFilter?, renderer: Renderer,
    format: @escaping @Sendable (StreamFormat) -> Void, attention: @escaping @Sendable () -> Void
  ) throws(BackendError) {
    self.backend = backend
    self.key = key
    self.name = name
    self.filter = filter
    // A monitor has everybody's sound in it.
    mode = filter == nil ? key.mode : .streams
    self.format = format
    self.attention = attention
    blend = SourceBlend(renderer)
    policy = CaptureModePolicy(mode: mode)
    for action in policy.start(at: renderNow()) { try perform(action) }
    // What comes first is heard from its first block on, not only when somebody has attended to the news.
    blend.hear(first == .monitor ? .first : .second)
  }

  private var first: Path { mode == .monitor ? .monitor : .streams }

  func stop() {
    for stream in streams.values { stream.stop() }
    streams = [:]
  }

  var report: StreamReport { streams[policy.heard ?? first]?.report ?? StreamReport() }
  var facts: Downlink.PathFacts? {
    Downlink.PathFacts(
      mode: mode, heard: (policy.heard ?? first).rawValue, reason: policy.reason.description,
      fallbacks: policy.fallbacks, unheard: streams[.streams]?.report.unheard ?? [])
  }

  /// Works off what the backend reported and what time brings. Returns what is worth saying, in order.
  func attend(at now: HostTime) -> [Downlink.News] {
    var news: [Downlink.News] = []
    for (path, event) in queue.take() {
      switch event {
      case .format: break
      case .state(let state):
        states[path] = state
        carryOut(policy.changed(path, to: state, at: now), &news)
        if path == policy.heard ?? first { news.append(.state(state)) }
      case .unheard(let list): carryOut(policy.changed(unheard: list, at: now), &news)
      }
    }
    if isFading, let heard = policy.heard, blend.heard == side(heard) {
      isFading = false
      carryOut(policy.faded(at: now), &news)
    }
    carryOut(policy.tick(at: now), &news)
    return news
  }

  private func carryOut(_ actions: [CaptureModePolicy.Action], _ news: inout [Downlink.News]) {
    for action in actions {
      do throws(BackendError) {
        try perform(action)
        guard case .crossfade(let path, let reason) = action else { continue }
        isFading = true
        if let state = states[path] { news.append(.state(state)) }
        if mode == .auto, reason != .configured { news.append(.path(path.rawValue, because: reason.description)) }
      } catch {
        news.append(.state(.waiting(error)))
      }
    }
  }

  private func perform(_ action: CaptureModePolicy.Action) throws(BackendError) {
    switch action {
    case .open(let path): try open(path)
    case .close(let path):
      streams.removeValue(forKey: path)?.stop()
      states[path] = nil
    case .crossfade(let path, _): blend.hear(side(path))
    case .wake: break
    }
  }

  private func open(_ path: Path) throws(BackendError) {
    let request: StreamRequest
    if let own = key.ownSink {
      request = StreamRequest(
        role: .virtualSink, name: own.name, description: "Game stream", layout: own.layout, quantum: key.quantum,
        group: own.name)
    } else {
      request = StreamRequest(
        role: path == .monitor ? .monitor(of: key.target) : .streams(of: key.target),
        // What stands in for the first has a name of its own, for both may run.
        name: path == first ? name : "\(name).\(path.rawValue)", description: "streamd desktop capture",
        quantum: key.quantum, filter: path == .streams ? filter : nil)
    }
    let stream = try backend.open(request, client: path == .monitor ? blend.first : blend.second) {
      [queue, format, attention] event in
      if case .format(let new) = event { format(new) }
      queue.add(path, event)
      attention()
    }
    streams[path] = stream
    try stream.start()
  }

  private func side(_ path: Path) -> SourceBlend.Side { path == .monitor ? .first : .second }

  /// Events on their way from the backend's thread.
  private final class Queue: Sendable {
    private let events = Mutex<[(Path, StreamEvent)]>([])

    func add(_ path: Path, _ event: StreamEvent) { events.withLock { $0.append((path, event)) } }
    func take() -> [(Path, StreamEvent)] {
      events.withLock { events in
        defer { events = [] }
        return events
      }
    }
  }
}
