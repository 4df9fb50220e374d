public import AudioCore
public import AudioIO
import Capture
public import Mixer
import Synchronization

/// One sink's sound and the buses it feeds: whatever captures it drives the renderer, whose plan follows the sink's layout
/// and the buses there are.
public final class Downlink: @unchecked Sendable {
  public struct Key: Hashable, Sendable {
    public var target: SinkTarget
    public var quantum: FrameCount?
    public var mode: CaptureMode
    /// A sink of our own with this node name and layout is heard in place of the target.
    public var ownSink: OwnSink?
    /// A bus of the graph is heard in place of the target.
    public var bus: String?
    /// Of the target this is heard.
    public var apps = AppChoice.everybody

    public init(target: SinkTarget, quantum: FrameCount?, mode: CaptureMode = .monitor, ownSink: OwnSink? = nil) {
      self.target = target
      self.quantum = quantum
      self.mode = mode
      self.ownSink = ownSink
    }

    /// For people: what is heard.
    public var title: String {
      if !apps.title.isEmpty { return apps.title }
      return bus.map { "bus:\($0)" } ?? "\(target)"
    }

    public init(bus: String) {
      self.init(target: .defaultSink, quantum: nil)
      self.bus = bus
    }
  }

  /// A sink that exists for being captured: what is played into it is heard in the same cycle.
  public struct OwnSink: Hashable, Sendable {
    public var name: String
    public var layout: ChannelLayout

    public init(name: String, layout: ChannelLayout) {
      self.name = name
      self.layout = layout
    }
  }

  /// What the render thread reported, added up.
  public struct Incidents: Sendable, Equatable {
    public var quantumChanges: UInt64 = 0
    public var missedCycles: UInt64 = 0
    public var missedFrames: UInt64 = 0
    /// Cycles the server did not run us for, made good from the monitor.
    public var repairedCycles: UInt64 = 0
    public var lateWakes: UInt64 = 0
    public var worstLateness = HostDuration.zero

    public init() {}
  }

  /// Which way the sound comes, and why.
  public struct PathFacts: Sendable, Equatable {
    public var mode: CaptureMode
    /// `monitor` or `streams`.
    public var heard: String
    public var reason: String
    public var fallbacks: UInt64
    /// What plays into the sink and cannot be heard beside it.
    public var unheard: [UnheardSource]
  }

  /// What is worth saying.
  public enum News: Sendable, Equatable {
    case state(StreamState)
    /// Sound now comes this way.
    case path(String, because: String)
  }

  private struct State {
    var layout: ChannelLayout?
    var buses: [BusOutput] = []
    var incidents = Incidents()
  }

  public let key: Key
  private let renderer: Renderer
  private let state = Mutex(State())
  // Thread: control.
  private var paths: (any SoundPath)?
  private var encoders: [SharedEncoder] = []

  /// `filter` says of the key's choice of applications who that is; with one only the way beside the sink is taken.
  /// `attention` is called on the backend's thread when `attend` has something to do.
  public init(
    backend: any AudioBackend, key: Key, name: String, filter: SourceFilter? = nil,
    attention: @escaping @Sendable () -> Void
  ) throws(BackendError) {
    self.key = key
    renderer = Renderer()
    paths = try CapturePaths(
      backend: backend, key: key, name: name, filter: filter, renderer: renderer,
      format: { [weak self] format in self?.follow(format.layout) }, attention: attention)
  }

  /// Hears what a graph makes.
  public init(bus: StreamBus, attention: @escaping @Sendable () -> Void) {
    key = Key(bus: bus.name)
    renderer = bus.renderer
    paths = BusPath(bus, layout: { [weak self] in self?.follow($0) }, attention: attention)
  }

  deinit { paths?.stop() }

  public func stop() {
    paths?.stop()
    paths = nil
  }

  /// Carries out what has become necessary, and tells what is new. Thread: control.
  public func attend(at now: HostTime) -> [News] {
    paths?.attend(at: now) ?? []
  }

  /// False once stopped: then nothing will ever come again.
  public var isAlive: Bool { paths != nil }
  public var report: StreamReport { paths?.report ?? StreamReport() }
  public var path: PathFacts? { paths?.facts }
  public var inputLayout: ChannelLayout? { state.withLock { $0.layout } }
  /// How loud what is heard is. One reader at a time.
  public var gauge: LevelGauge { renderer.gauge }
  // Thread: any.
  public func add(_ bus: BusOutput) { edit { $0.buses.append(bus) } }
  public func remove(_ bus: BusOutput) { edit { $0.buses.removeAll { $0 === bus } } }

  /// Thread: the backend's, before the first block in that layout.
  private func follow(_ layout: ChannelLayout) { edit { $0.layout = layout } }

  private func edit(_ change: (inout State) -> Void) {
    state.withLock { state in
      change(&state)
      guard let layout = state.layout else { return }
      renderer.publish(RenderPlan(input: layout, buses: state.buses))
    }
  }

  // MARK: Clients. Thread: control.

  public var isUnused: Bool { encoders.isEmpty }
  public var encoderCount: Int { encoders.count }

  /// The encoder for what a client wants, which others may use too. The client takes its place at it, or lets it go.
  func encoder(as key: SharedEncoder.Key) throws(SessionError) -> SharedEncoder {
    if let found = encoders.first(where: { $0.key == key }) { return found }
    let encoder = try SharedEncoder(key)
    encoders.append(encoder)
    add(encoder.bus)
    return encoder
  }

  /// What the one client of an encoder wants has changed: the encoder follows, if nobody else uses it and none is like that
  /// already.
  func adapt(_ encoder: SharedEncoder, to key: SharedEncoder.Key) -> Bool {
    guard encoder.slots.count <= 1, !encoders.contains(where: { $0.key == key }) else { return false }
    return encoder.adapt(to: key)
  }

  func leave(_ slot: OutletSlot, _ encoder: SharedEncoder) {
    encoder.remove(slot)
    guard encoder.isUnused, let index = encoders.firstIndex(where: { $0 === encoder }) else { return }
    encoders.remove(at: index)
    remove(encoder.bus)
    encoder.stop()
  }

  /// Reads the render thread's records and frees retired plans; returns quantum changes for the log. Thread: control.
  public func drain() -> (incidents: Incidents, quanta: [Int]) {
    state.withLock { state in
      renderer.reclaim()
      var quanta: [Int] = []
      for record in renderer.takeRecords() {
        switch record.kind {
        case .quantumChanged:
          state.incidents.quantumChanges += 1
          quanta.append(Int(record.value))
        case .missed:
          state.incidents.missedCycles += 1
          state.incidents.missedFrames += UInt64(max(record.value, 0))
        case .repaired: state.incidents.repairedCycles += 1
        case .lateWake:
          state.incidents.lateWakes += 1
          state.incidents.worstLateness = max(state.incidents.worstLateness, HostDuration(nanoseconds: record.value))
        case .flooded, .layoutMismatch: break
        }
      }
      return (state.incidents, quanta)
    }
  }
}
