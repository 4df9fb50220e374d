import AppRings
import AudioCore
import AudioIO
import Control
import GraphFiles
import Mixer
import SoundFiles
import Wiring

/// The daemon's mixer graph under control of the socket: edits, the device it runs on, and what is said about it.
@ControlActor
final class GraphRoom {
  let station: GraphStation
  let ends: GraphEnds
  private var watchdog: CycleWatchdog?
  /// Called when what buses there are to hear may be another.
  var busesChanged: (@ControlActor () -> Void)?
  private let bus: EventBus
  private let tell: @ControlActor (_ text: String, _ isTrouble: Bool) -> Void
  private var timer: LoopTimer?
  private var telling: LoopTimer?
  /// Nodes that each connected client has made and that are still there, and what each takes of memory.
  private var made: [Int: [NodeID: Int]] = [:]
  private(set) var counts = GraphCounts()
  private var toldXruns: UInt64 = 0

  /// So many of one client's nodes may be there at a time.
  static let nodesOfAClient = 1024
  /// And may take so much memory, half of what all may.
  static let bytesOfAClient = 128 << 20

  init(
    device: GraphDevice, backends: SoundSystems, rings: any RingAccess, ends: GraphEnds,
    devices: LiveDevices? = nil, watchdog: Int = 0, bus: EventBus,
    tell: @escaping @ControlActor (_ text: String, _ isTrouble: Bool) -> Void
  ) {
    self.ends = ends
    self.watchdog = watchdog > 0 ? CycleWatchdog(patience: .seconds(Int64(watchdog))) : nil
    self.bus = bus
    self.tell = tell
    let attention = GraphAttention()
    station = GraphStation(
      device: device, files: SoundFileLibrary(), rings: rings, ends: ends, devices: devices,
      backend: { name throws(BackendError) in try backends.backend(name) }, attention: { attention.call() })
    attention.room = self
    bus.declare("state", .state, summary: "whether the graph runs, on what, and why not, when it changes") {
      [unowned self] in state()
    }
    bus.declare("xrun", .log, summary: "sound that the graph's device lost, and which node took the time")
    bus.declare("stats", .state, summary: "what the graph costs and how late it is, ten times a second") {
      [unowned self] in stats()
    }
    bus.declare("graph", .state, summary: "the graph's generation, when it changes") { [unowned self] in
      ["generation": JSON(generation)]
    }
  }

  var generation: Int { station.engine.generation }
  var graph: Graph { station.engine.graph }
  var device: GraphDevice { station.device }

  /// Whether sessions that chose no bus hear the graph.
  var feedsMain: Bool {
    guard case .running = station.state else { return false }
    return hasMain
  }
  /// As committed last: what is fading out no longer counts.
  private var hasMain = false
  private var seenGeneration = 0

  static let mainBus = "main"

  /// For a session, whether a node feeds it or not.
  func streamBus(_ name: String) throws(ControlError) -> StreamBus {
    do throws(NodeRefusal) { return try ends.bus(name) } catch {
      throw ControlError(.busy, error.message, path: "bus", detail: error.code)
    }
  }

  /// By the node's name or number.
  func tap(_ name: String) throws(ControlError) -> TapProcessor {
    let taps = graph.sortedNodes.filter { $0.kind == "tap" }
    guard let node = taps.first(where: { graph.name(of: $0.id) == name || "\($0.id.value)" == name }),
      let tap = station.engine.processor(of: node.id) as? TapProcessor
    else {
      let known = taps.map { graph.name(of: $0.id) }.joined(separator: ", ")
      throw ControlError(
        .notFound, "no tap of the graph is named \"\(name)\"",
        hint: known.isEmpty ? "streamctl graph add tap" : "these are: \(known)")
    }
    return tap
  }

  // MARK: Edits

  /// Makes edits of a request and commits them, all or none; `client` owns what is made.
  @discardableResult
  func edit<Made>(
    for client: ClientSession?, _ body: (inout GraphDraft) throws(GraphDocumentError) -> Made
  ) throws(ControlError) -> Made {
    var draft = GraphDraft(graph)
    let before = Set(graph.nodes.keys)
    let result: Made
    do throws(GraphDocumentError) { result = try body(&draft) } catch { throw error.controlError }
    let added = Set(draft.graph.nodes.keys).subtracting(before)
    if let client, !added.isEmpty { try own(added, client, in: draft.graph) }
    do throws(GraphError) { _ = try station.commit(draft.edits) } catch {
      if let client { for id in added { made[client.id]?[id] = nil } }
      throw GraphDocumentError(error).controlError
    }
    committed()
    return result
  }

  /// Makes the graph another one.
  func replace(by graph: Graph) throws(ControlError) -> CommitReport {
    let report: CommitReport
    do throws(GraphError) { report = try station.commit(graph) } catch {
      throw GraphDocumentError(error).controlError
    }
    made = [:]
    committed()
    return report
  }

  private func own(_ added: Set<NodeID>, _ client: ClientSession, in next: Graph) throws(ControlError) {
    var there = (made[client.id] ?? [:]).filter { graph.nodes[$0.key] != nil }
    for id in added {
      // What is no node is said by the commit.
      let bytes = next.nodes[id].flatMap { try? NodeCatalog.linked.bytes(of: $0, at: station.device.format.rate) }
      there[id] = bytes ?? 0
    }
    guard there.count <= Self.nodesOfAClient else {
      throw ControlError(
        .busy,
        "a client may have \(Self.nodesOfAClient) nodes of its own, and has \(there.count - added.count)",
        detail: "quota")
    }
    let bytes = there.values.reduce(0, +)
    guard bytes <= Self.bytesOfAClient else {
      throw ControlError(
        .busy, "a client's nodes may take \(Self.bytesOfAClient >> 20) MiB, and would take \(bytes >> 20)",
        detail: "quota")
    }
    if made[client.id] == nil { client.onClose { [weak self] in self?.made[client.id] = nil } }
    made[client.id] = there
  }

  private func committed() {
    bus.publish("graph", ["generation": JSON(generation)])
    attendSoon()
    // Values alone change no bus.
    guard generation != seenGeneration else { return }
    seenGeneration = generation
    hasMain = graph.nodes.values.contains {
      $0.kind == "stream_sink" && $0.settings["bus"] ?? .text(Self.mainBus) == .text(Self.mainBus)
    }
    busesChanged?()
  }

  // MARK: Device

  func use(_ device: GraphDevice) throws(ControlError) {
    do { try station.use(device) } catch { throw error.controlError }
    publishState()
    attendSoon()
  }

  /// Devices have come or gone.
  func followDevices() {
    do { try station.followDevices() } catch { tell("graph: \(error)", true) }
  }

  func start() throws(ControlError) {
    do { try station.start() } catch { throw error.controlError }
    counts.started += 1
    publishState()
    attendSoon()
  }

  func stop() {
    station.stop(at: renderNow())
    publishState()
    attendSoon()
  }

  func shutdown() {
    if let timer { EventLoop.shared.cancel(timer) }
    if let telling { EventLoop.shared.cancel(telling) }
    (timer, telling) = (nil, nil)
    station.shutdown()
  }

  // MARK: Time

  /// The device has something to say.
  fileprivate func attend() {
    if station.attend() { publishState() }
  }

  /// While something fades there is something to do every few milliseconds.
  private func attendSoon() {
    guard timer == nil, !station.isSettled else { return }
    timer = EventLoop.shared.schedule(after: .milliseconds(5), every: .milliseconds(5)) { [unowned self] in
      if station.service(at: renderNow()) { publishState() }
      guard station.isSettled || station.state == .stopped, let timer else { return }
      EventLoop.shared.cancel(timer)
      self.timer = nil
    }
  }

  /// Every half second: what went wrong, and whether anybody wants to hear more often.
  func tick() {
    drain()
    _ = station.service(at: renderNow())
    watch()
    for trouble in station.engine.takeTroubles() {
      tell("graph: \(graph.name(of: trouble.node)): \(trouble.message)", true)
    }
    let wanted = station.isStarted && (bus.hasSubscribers("stats") || bus.hasSubscribers("xrun"))
    if wanted, telling == nil {
      telling = EventLoop.shared.schedule(after: .zero, every: .milliseconds(100)) { [unowned self] in
        drain()
        if bus.hasSubscribers("stats") { bus.publish("stats", stats()) }
      }
    } else if !wanted, let telling {
      EventLoop.shared.cancel(telling)
      self.telling = nil
    }
  }

  /// A device that says it runs and calls nobody is opened anew.
  private func watch() {
    let isRunning = if case .running = station.state { true } else { false }
    guard watchdog?.look(isRunning: isRunning, cycles: UInt64(station.facts.cycles), at: renderNow()) == true else {
      return
    }
    tell("graph: the device stands still, opening it anew", true)
    counts.restarts += 1
    do { try station.reopen() } catch { tell("graph: \(error)", true) }
    publishState()
  }

  /// Takes in what render has noted. A burst of losses is one event with a count.
  private func drain() {
    let sink = graph.sortedNodes.first { $0.kind == "device_sink" }?.id.value ?? 0
    var burst = GraphBurst()
    for record in station.engine.renderer.takeRecords() {
      if let text = counts.take(record, name: { graph.name(of: NodeID(Int($0))) }) {
        tell("graph: \(text)", record.kind == .relief)
      }
      burst.take(record, rate: station.device.format.rate)
    }
    let device = station.deviceXruns
    if device > toldXruns { burst.add(device: device - toldXruns) }
    toldXruns = device
    if let event = burst.event(sink: sink) {
      counts.xruns += burst.count
      bus.publish("xrun", event)
    }
  }

  private var lastState = JSON.null

  private func publishState() {
    let state = state()
    guard state != lastState else { return }
    lastState = state
    bus.publish("state", state)
    busesChanged?()
    tell(
      "graph: \(describe())",
      { if case .waiting(let error) = station.state { error.code != .starting } else { false } }())
  }
}

/// From the device's thread to the room.
private final class GraphAttention: @unchecked Sendable {
  /// Of the control thread.
  @ControlActor weak var room: GraphRoom?

  nonisolated init() {}

  func call() {
    EventLoop.shared.post { [self] in room?.attend() }
  }
}

extension GraphDocumentError {
  /// Which of the control plane's few codes a graph's finer one is; that one is told as the detail.
  var controlError: ControlError {
    let code: ControlError.Code =
      switch self.code {
      case "unknown_node": .notFound
      case "cycle", "channel_clash", "name_taken", "already_connected", "not_connected", "ring_in_use",
        "bus_in_use", "feedback":
        .conflict
      case "too_many_nodes", "too_many_connections", "too_much_memory", "quota": .busy
      case "unavailable", "file_error": .unavailable
      default: .badArgs
      }
    return ControlError(code, message, detail: self.code)
  }
}
