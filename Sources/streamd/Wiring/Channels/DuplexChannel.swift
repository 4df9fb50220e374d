public import AudioCore
public import AudioIO
public import Mixer

/// A duplex channel at work: a small graph of its own, in the cycles of the device that it plays to. The one that it records
/// has a clock of its own, which a bridge follows.
///
/// Thread: control, but for what the backend's thread tells.
public final class DuplexChannel {
  /// How loud something is; no lower than the floor.
  public struct Level: Sendable, Equatable {
    /// The power of each channel, and the highest sample, over the last tenth of a second: in dBFS.
    public var powers: [Double]
    public var peaks: [Double]

    /// The mean power of all channels.
    public var power: Double {
      guard !powers.isEmpty else { return Decibels.floor.value }
      let mean = powers.reduce(0) { $0 + Decibels($1).amplitude * Decibels($1).amplitude } / Double(powers.count)
      return mean > 0 ? max(Decibels(amplitude: mean.squareRoot()).value, Decibels.floor.value) : Decibels.floor.value
    }
  }

  public struct Facts: Sendable {
    public var condition: GraphStation.Condition
    public var report: StreamReport
    public var deviceTrouble: DeviceError?
    /// Sound comes from the input.
    public var isFed: Bool
    /// Why not, as said last.
    public var inputTrouble: String?
    /// Losses of the device that plays, and times that the input ran dry.
    public var xruns: UInt64
    public var starved: Int
    /// The share of its time that the channel takes.
    public var load: Double
    /// From the one device to the other, without what those take.
    public var latency: HostDuration
    public var clockPPM: Double
    /// Decibels that each takes away now.
    public var compression: Double
    public var limiting: Double
  }

  public private(set) var plan: DuplexPlan
  public private(set) var isMuted = false
  public private(set) var isGateOpen = true
  private let station: GraphStation
  private var latency = FrameCount(0)
  private var inputTrouble: String?
  /// For how long the device has run no cycle.
  private var cycles = -1
  private var cyclesAt = HostTime(nanoseconds: 0)

  /// What was measured so long ago is no level any more.
  private static let stale = HostDuration.milliseconds(400)

  /// `attention` is called on any thread when `attend` has something to do.
  public init(
    _ plan: DuplexPlan, devices: LiveDevices?, backend: @escaping (String) throws(BackendError) -> any AudioBackend,
    attention: @escaping @Sendable () -> Void
  ) throws(GraphError) {
    self.plan = plan
    station = GraphStation(
      device: plan.output, files: nil, rings: nil, devices: devices, backend: backend, attention: attention)
    try commit(plan)
  }

  private var isAudible: Bool { !isMuted && isGateOpen }

  private func commit(_ plan: DuplexPlan) throws(GraphError) {
    let next = try plan.graph(isAudible: isAudible)
    latency = try station.commit(next.keepingNumbers(of: station.engine.graph)).latency
  }

  public func start() throws(BackendError) { try station.start() }

  /// At once.
  public func end() { station.shutdown() }

  // MARK: Changes

  /// Whether another plan can take this one's place while it plays: one of another format is another channel.
  public func canBecome(_ next: DuplexPlan) -> Bool {
    next.number == plan.number && next.output.format == plan.output.format && next.output.face == plan.output.face
  }

  /// Values move smoothly, another input is faded over; only another device to play to interrupts.
  public func become(_ next: DuplexPlan) throws(GraphError) {
    if next.input != plan.input { inputTrouble = nil }
    try commit(next)
    plan = next
  }

  /// The device to play to, as of the plan: what cannot be opened is waited for.
  public func follow() throws(BackendError) {
    if plan.output != station.device { try station.use(plan.output) }
    try station.followDevices()
  }

  public func set(mute: Bool, gateOpen: Bool) {
    (isMuted, isGateOpen) = (mute, gateOpen)
    guard let gate = station.engine.graph.node(named: DuplexPlan.gate) else { return }
    // A value that the node knows, of a node that is there.
    _ = try? station.commit([.set(gate.id, "mute", isAudible ? 0 : 1)])
  }

  // MARK: What happens

  /// Takes in what the device has told; true when the condition is another.
  public func attend() -> Bool { station.attend() }

  /// Every few milliseconds until settled, and twice a second. What went wrong since.
  public func service(at now: HostTime) -> [String] {
    _ = station.service(at: now)
    _ = station.engine.renderer.takeRecords()
    return station.engine.takeTroubles().map { trouble in
      let name = station.engine.graph.name(of: trouble.node)
      if name == DuplexPlan.input { inputTrouble = trouble.message }
      return "\(name): \(trouble.message)"
    }
  }

  public var isSettled: Bool { station.isSettled }

  // MARK: Figures

  public func facts(at now: HostTime) -> Facts {
    let values = readings(DuplexPlan.input)
    let isFed = isFed(values, at: now)
    let graph = station.facts
    let (compression, limiting) = reductions(at: now)
    let fill = FrameCount(Int(max(values["fill"] ?? 0, 0)))
    return Facts(
      condition: station.state, report: station.report, deviceTrouble: station.deviceTrouble, isFed: isFed,
      inputTrouble: isFed ? nil : inputTrouble, xruns: station.deviceXruns, starved: Int(values["starved"] ?? 0),
      load: graph.meanLoad, latency: (latency + fill).duration(at: plan.output.format.rate),
      clockPPM: values["ppm"] ?? 0, compression: compression, limiting: limiting)
  }

  /// Levels for one that looks all the time: `nil` while the channel is being made.
  public var arrivingGauge: LevelGauge? { gauge(DuplexPlan.arriving) }
  public var leavingGauge: LevelGauge? { gauge(DuplexPlan.leaving) }

  private func gauge(_ node: String) -> LevelGauge? {
    station.engine.graph.node(named: node).flatMap { station.engine.processor(of: $0.id)?.readings.gauge }
  }

  /// Decibels that compressor and limiter take away now.
  public func reductions(at now: HostTime) -> (compression: Double, limiting: Double) {
    guard isFed(readings(DuplexPlan.input), at: now) else { return (0, 0) }
    let reduction = { (name: String) in max(self.readings(name)["reduction"] ?? 0, 0) }
    return (reduction(DuplexPlan.compressor), reduction(DuplexPlan.limiter))
  }

  private func isFed(_ input: [String: Double], at now: HostTime) -> Bool {
    input["running"] == 1 && isRunning(at: now)
  }

  /// What comes in and what goes out.
  public func levels(at now: HostTime) -> (arriving: Level, leaving: Level) {
    let isRunning = isRunning(at: now)
    return (level(DuplexPlan.arriving, isRunning), level(DuplexPlan.leaving, isRunning))
  }

  private func level(_ node: String, _ isRunning: Bool) -> Level {
    let floor = Decibels.floor.value
    let values = readings(node)
    let names = plan.output.format.layout.labels.indices.map { $0 + 1 }
    func all(_ name: String) -> [Double] {
      names.map { isRunning ? max(values["\(name).\($0)"] ?? floor, floor) : floor }
    }
    return Level(powers: all("rms"), peaks: all("peak"))
  }

  private func readings(_ node: String) -> [String: Double] {
    guard let id = station.engine.graph.node(named: node)?.id else { return [:] }
    return Dictionary(uniqueKeysWithValues: station.engine.readings(of: id))
  }

  /// Whether the device has called lately: figures stay as they are when it does not.
  private func isRunning(at now: HostTime) -> Bool {
    let seen = station.facts.cycles
    if seen != cycles { (cycles, cyclesAt) = (seen, now) }
    guard case .running = station.state else { return false }
    return now - cyclesAt < Self.stale
  }
}
