public import AppRings
public import AudioCore
public import AudioIO
public import Mixer
import Synchronization

/// The daemon's graph at work: its engine, the device that drives it, and the thread that reads and writes its files.
///
/// The graph stays whatever becomes of the device: another device, another sound system or a stop leave its nodes as they
/// are; only another rate makes all processors anew.
///
/// Thread: control.
public final class GraphStation {
  /// What the device's thread has told, newest last; states are all that counts, so few are kept.
  private final class Inbox: Sendable {
    private let events = Mutex<[StreamEvent]>([])

    func add(_ event: StreamEvent) {
      events.withLock { events in
        if events.count >= 64 { events.removeFirst() }
        events.append(event)
      }
    }

    func take() -> [StreamEvent] {
      events.withLock { events in
        defer { events = [] }
        return events
      }
    }
  }

  public enum Condition: Equatable, Sendable {
    case stopped
    /// Fading out.
    case stopping
    /// Started, and no sound yet: why.
    case waiting(BackendError)
    case running(device: String)
  }

  /// How long a fade may take before the device is stopped all the same: it may not run at all.
  private static let patience = HostDuration.milliseconds(750)
  /// So much is written into what device drivers are told less often than they play.
  private static let block = FrameCount(1024)

  public private(set) var device: GraphDevice
  public private(set) var engine: Engine
  private let limits: GraphLimits
  private let files: (any SoundFileAccess)?
  private let rings: (any RingAccess)?
  private let far: FarStreams
  private let devices: LiveDevices?
  /// Who drives the graph, where it was named; and what it was called when it was opened.
  private var claim: DeviceClaim?
  private var opened: String?
  private let ends: GraphEnds?
  private let backend: (String) throws(BackendError) -> any AudioBackend
  private let attention: @Sendable () -> Void
  private var stream: (any AudioStream)?
  private var worker: FileThread?
  private var condition = Condition.stopped
  private var stopBy: HostTime?
  private var fadedAt: HostTime?
  private let inbox = Inbox()
  /// Of devices that have gone.
  private var pastXruns: UInt64 = 0

  /// `backend` finds a sound system by its name. `attention` is called on any thread when `attend` has something to do.
  public init(
    device: GraphDevice, limits: GraphLimits = GraphLimits(), files: (any SoundFileAccess)?, rings: (any RingAccess)?,
    ends: GraphEnds? = nil, devices: LiveDevices? = nil,
    backend: @escaping (String) throws(BackendError) -> any AudioBackend,
    attention: @escaping @Sendable () -> Void
  ) {
    self.device = device
    self.limits = limits
    self.files = files
    self.rings = rings
    far = FarStreams(backend: backend, devices: devices, face: device.face)
    self.devices = devices
    claim = device.claim
    self.ends = ends
    self.backend = backend
    self.attention = attention
    engine = Self.engine(device.format.rate, limits, files, rings, far, ends)
  }

  private static func engine(
    _ rate: SampleRate, _ limits: GraphLimits, _ files: (any SoundFileAccess)?, _ rings: (any RingAccess)?,
    _ far: FarStreams, _ ends: GraphEnds?
  ) -> Engine {
    Engine(
      EngineSettings(
        rate: rate, block: block, limits: limits, files: files, rings: rings, far: far, host: ends, isLive: true))
  }

  public var state: Condition { condition }
  public var report: StreamReport { stream?.report ?? StreamReport() }
  public var facts: GraphFacts { engine.renderer.facts }
  public var deviceXruns: UInt64 { pastXruns + (stream?.report.xruns ?? 0) }
  public var isStarted: Bool { condition != .stopped }
  /// Nothing has to be looked after until the next edit or event.
  public var isSettled: Bool { engine.isSettled && condition != .stopping }

  // MARK: Device

  /// Plays into another device, or into the same one otherwise. What cannot be is refused, and what plays goes on.
  public func use(_ next: GraphDevice) throws(BackendError) {
    guard next != device else { return }
    let wasStarted = isStarted && condition != .stopping
    let engine = try next.format.rate == device.format.rate ? nil : remade(at: next.format.rate)
    let opened = wasStarted ? try open(next, engine ?? self.engine) : nil
    end()
    device = next
    claim = next.claim
    if let engine { self.engine = engine }
    attendFiles()
    guard let opened else { return }
    try run(opened)
  }

  /// The same graph at another rate.
  private func remade(at rate: SampleRate) throws(BackendError) -> Engine {
    let next = Self.engine(rate, limits, files, rings, far, ends)
    do throws(GraphError) { try next.commit(engine.graph) } catch {
      throw BackendError(.unsupportedFormat, "the graph cannot be at \(rate.hertz) Hz: \(error.message)")
    }
    return next
  }

  private func open(_ device: GraphDevice, _ engine: Engine) throws(BackendError) -> any AudioStream {
    let name = device == self.device ? look(&claim) ?? device.name : named(device)
    let stream = try backend(device.system).open(device.request(name), client: engine.renderer) {
      [inbox, attention] event in
      inbox.add(event)
      attention()
    }
    opened = name
    return stream
  }

  private func named(_ device: GraphDevice) -> String? {
    var claim = device.claim
    return look(&claim) ?? device.name
  }

  /// What the device is called now; nil while it is not there.
  private func look(_ claim: inout DeviceClaim?) -> String? {
    guard let devices, claim != nil else { return nil }
    devices.attach(device.system)
    guard case .success(let device)? = claim?.look(in: devices.registry) else { return nil }
    return device.name
  }

  /// Devices have come or gone: one that is called otherwise now is opened again by that name.
  public func followDevices() throws(BackendError) {
    far.follow()
    guard isStarted, condition != .stopping, let name = look(&claim), name != opened else { return }
    try reopen()
  }

  /// Why there is no device of the graph's; nil where there is one, or its stream knows better.
  public var deviceTrouble: DeviceError? {
    guard let devices, var claim, case .failure(let error) = claim.look(in: devices.registry) else { return nil }
    return error
  }

  // MARK: Start and stop

  public func start() throws(BackendError) {
    switch condition {
    case .running, .waiting: return
    case .stopping:
      stopBy = nil
      engine.renderer.setOpen(true)
      condition = .waiting(BackendError(.starting, "starting"))
      follow()
    case .stopped: try run(try open(device, engine))
    }
  }

  /// The same device, anew.
  public func reopen() throws(BackendError) {
    guard isStarted, condition != .stopping else { return }
    end()
    try start()
  }

  private func run(_ stream: any AudioStream) throws(BackendError) {
    self.stream = stream
    condition = .waiting(BackendError(.starting, "starting"))
    engine.renderer.setOpen(true)
    do throws(BackendError) { try stream.start() } catch {
      end()
      throw error
    }
  }

  /// Fades out; `service` stops the device when that is done.
  public func stop(at now: HostTime) {
    guard isStarted, condition != .stopping else { return }
    engine.renderer.setOpen(false)
    condition = .stopping
    fadedAt = nil
    stopBy = now + Self.patience
  }

  /// At once.
  public func end() {
    guard let stream else { return }
    stream.stop()
    pastXruns += stream.report.xruns
    self.stream = nil
    stopBy = nil
    engine.renderer.setOpen(false)
    _ = inbox.take()
    condition = .stopped
  }

  public func shutdown() {
    end()
    worker?.end()
    worker = nil
    engine = Self.engine(device.format.rate, limits, files, nil, far, nil)
    far.bury()
    ends?.service(at: renderNow())
  }

  // MARK: What happens

  /// Takes in what the device has told; true when the condition is another.
  public func attend() -> Bool {
    let before = condition
    for event in inbox.take() {
      guard case .state(let state) = event, condition != .stopping, stream != nil else { continue }
      switch state {
      case .running(let device): condition = .running(device: device)
      case .waiting(let error): condition = .waiting(error)
      case .stopped: break
      }
    }
    return condition != before
  }

  /// After a stop that was taken back: the device runs, and will not say so again.
  private func follow() {
    switch report.state {
    case .running(let device): condition = .running(device: device)
    case .waiting(let error): condition = .waiting(error)
    case .stopped: break
    }
  }

  /// Every few milliseconds until settled. True when the condition is another.
  public func service(at now: HostTime) -> Bool {
    engine.service()
    ends?.service(at: now)
    attendFiles()
    guard condition == .stopping, let stopBy else { return false }
    if engine.renderer.isSilent, fadedAt == nil { fadedAt = now }
    // What has been rendered is still to be heard: the device holds a few periods of it.
    let frames = FrameCount(4 * max(facts.frames.value, report.quantum))
    let isHeard = fadedAt.map { now >= $0 + frames.duration(at: device.format.rate) } ?? false
    guard isHeard || now >= stopBy else { return false }
    end()
    return true
  }

  /// Edits; the report says what came of them.
  public func commit(_ edits: [GraphEdit]) throws(GraphError) -> CommitReport {
    let isStructure = edits.contains {
      switch $0 {
      case .add, .connect, .configure: true
      default: false
      }
    }
    if isStructure {
      var next = engine.graph
      for edit in edits { try next.apply(edit) }
      try FeedbackCheck.check(next, on: device, in: devices?.registry)
    }
    let report = try engine.commit(edits)
    attendFiles()
    return report
  }

  public func commit(_ graph: Graph) throws(GraphError) -> CommitReport {
    try FeedbackCheck.check(graph, on: device, in: devices?.registry)
    let report = try engine.commit(graph)
    attendFiles()
    return report
  }

  /// A thread for files lives while there are files.
  private func attendFiles() {
    far.bury()
    if let worker, worker.crew !== engine.crew || engine.crew.isEmpty {
      worker.end()
      self.worker = nil
    }
    if worker == nil, !engine.crew.isEmpty { worker = try? FileThread(engine.crew) }
  }
}
