public import AppRings
public import AudioCore

/// What a commit did.
public struct CommitReport: Hashable, Sendable {
  /// Counts plans. Edits of live values alone make none.
  public var generation: Int
  public var nodes: Int
  public var connections: Int
  /// The longest way from a source to a sink.
  public var latency: FrameCount
}

/// What an engine is made for. None of it changes while it lives.
public struct EngineSettings: Sendable {
  public var rate: SampleRate
  /// The most frames a node is asked for at once; longer cycles are cut.
  public var block: FrameCount
  /// How long what appears or disappears takes to do so.
  public var fade: HostDuration
  public var limits: GraphLimits
  public var files: (any SoundFileAccess)?
  public var rings: (any RingAccess)?
  public var far: (any FarDevices)?
  public var host: (any HostEnds)?
  /// A device drives it: cycles are timed, and what is too much is left out. Not for what must be the same every time.
  public var isLive: Bool

  public init(
    rate: SampleRate = .codec, block: FrameCount = 512, fade: HostDuration = .milliseconds(15),
    limits: GraphLimits = GraphLimits(), files: (any SoundFileAccess)? = nil, rings: (any RingAccess)? = nil,
    far: (any FarDevices)? = nil, host: (any HostEnds)? = nil, isLive: Bool = false
  ) {
    self.isLive = isLive
    precondition(rate.hertz > 0 && block.value > 0)
    self.rate = rate
    self.block = block
    self.fade = fade
    self.limits = limits
    self.files = files
    self.rings = rings
    self.far = far
    self.host = host
  }
}

/// A graph at work, control's face of it: takes edits, makes plans of them and hands those to `renderer`.
///
/// An edit is a transaction: all of a batch or nothing, and what is refused has not touched what runs. What a new plan adds
/// fades in and what it lacks fades out, so a plan renders the nodes that are wanted and for a while those that were;
/// `service`, to be called every few milliseconds, lets go of what has faded.
///
/// Thread: control, all of it.
public final class Engine {
  public let renderer: GraphRenderer
  public let settings: EngineSettings
  public let catalog: NodeCatalog
  /// For the thread that works on files.
  public let crew = WorkCrew()
  /// As committed last.
  public private(set) var graph: Graph
  private var nodes: [NodeID: ResolvedNode] = [:]
  private var stage: Stage
  private let handoff = Handoff<GraphPlan>()
  private let rings: RingSeats?
  private var nextSerial = 1

  public init(_ settings: EngineSettings = EngineSettings(), catalog: NodeCatalog = .linked) {
    self.settings = settings
    self.catalog = catalog
    graph = Graph(limits: settings.limits)
    rings = settings.rings.map { RingSeats($0) }
    renderer = GraphRenderer(handoff, rate: settings.rate, isLive: settings.isLive)
    stage = Stage(
      fade: max(settings.rate.frames(in: settings.fade).value, 1), block: settings.block)
  }

  public var generation: Int { stage.generation }
  /// Processors in the plan, those that fade out included.
  public var processorCount: Int { stage.instanceCount }
  /// Nothing fades and nothing waits to be heard.
  public var isSettled: Bool { stage.isSettled }

  /// Makes the graph what the edits say, or throws and leaves it.
  @discardableResult
  public func commit(_ edits: [GraphEdit]) throws(GraphError) -> CommitReport {
    var next = graph
    for edit in edits { try next.apply(edit) }
    return try commit(next, ramps: Self.ramps(edits))
  }

  /// Makes the graph this one: whatever differs is what changes.
  @discardableResult
  public func commit(_ next: Graph) throws(GraphError) -> CommitReport { try commit(next, ramps: [:]) }

  /// Says whether a graph would be accepted, as far as that can be told without files and rings: nothing is made of it, and
  /// latencies that only a processor knows are taken from those that can be made.
  public static func check(
    _ graph: Graph, rate: SampleRate = .codec, catalog: NodeCatalog = .linked
  ) throws(GraphError) -> CommitReport {
    var nodes: [NodeID: ResolvedNode] = [:]
    for node in graph.sortedNodes { nodes[node.id] = try Validation.resolve(node, in: catalog) }
    let wanted = try WantedGraph(graph, nodes)
    let engine = Engine(EngineSettings(rate: rate), catalog: catalog)
    var latencies: [Int] = []
    for id in wanted.ids {
      guard let node = nodes[id] else { continue }
      do throws(GraphError) { latencies.append(try engine.make(node).latency) } catch {
        guard error.code == "unavailable" else { throw error }
        latencies.append(0)
      }
    }
    let balance = LatencyBalance(order: wanted.order, latencies: latencies, edges: wanted.edges)
    let latest = latencies.indices.map { balance.arrivals[$0] + latencies[$0] }.max() ?? 0
    return CommitReport(
      generation: 0, nodes: nodes.count, connections: graph.connections.count, latency: FrameCount(latest))
  }

  private struct RampKey: Hashable {
    let node: NodeID
    let parameter: String
  }

  private static func ramps(_ edits: [GraphEdit]) -> [RampKey: HostDuration] {
    var ramps: [RampKey: HostDuration] = [:]
    for edit in edits {
      switch edit {
      case .ramp(let id, let name, _, let time): ramps[RampKey(node: id, parameter: name)] = time
      case .set(let id, let name, _): ramps[RampKey(node: id, parameter: name)] = nil
      default: break
      }
    }
    return ramps
  }

  private func commit(_ next: Graph, ramps: [RampKey: HostDuration]) throws(GraphError) -> CommitReport {
    var resolved: [NodeID: ResolvedNode] = [:]
    resolved.reserveCapacity(next.nodes.count)
    for (id, node) in next.nodes {
      if let known = nodes[id], known.node == node {
        resolved[id] = known
      } else {
        resolved[id] = try Validation.resolve(node, in: catalog)
      }
    }
    let wanted = try WantedGraph(next, resolved)
    let bytes = resolved.values.reduce(0) { $0 + $1.bytes(at: settings.rate) }
    guard bytes <= settings.limits.bytes else { throw .tooMuchMemory(settings.limits.bytes, wanted: bytes) }
    // From here on only a node itself can refuse; what it opened is closed again then.
    var live: [NodeID: Instance] = [:]
    var isNew = next.connections != graph.connections
    for id in wanted.ids {
      guard let node = resolved[id] else { continue }
      if let instance = stage.instance(for: node) {
        live[id] = instance
        if !stage.isLive(instance) { isNew = true }
      } else {
        live[id] = try make(node)
        isNew = true
      }
    }
    try checkClaims(live, in: wanted.ids)
    isNew = isNew || live.count != nodes.count
    for (id, node) in resolved { set(live[id], node, ramps) }
    graph = next
    nodes = resolved
    if isNew { publish { stage in stage.change(to: wanted, live: live) } }
    return CommitReport(
      generation: stage.generation, nodes: next.nodes.count, connections: next.connections.count,
      latency: FrameCount(stage.latency))
  }

  private func checkClaims(_ live: [NodeID: Instance], in order: [NodeID]) throws(GraphError) {
    var claims: Set<ObjectIdentifier> = []
    for instance in order.lazy.compactMap({ live[$0] }) {
      guard let claim = instance.processor.claim else { continue }
      if !claims.insert(ObjectIdentifier(claim)).inserted {
        throw .refused(node: instance.resolved.node.name, claim.refusal)
      }
    }
  }

  private func make(_ node: ResolvedNode) throws(GraphError) -> Instance {
    let readings = ReadingSpec.expanded(
      node.descriptor.readings, channels: (node.shape.inputs.first ?? node.shape.outputs.first)?.layout.count ?? 1)
    let context = NodeContext(
      rate: settings.rate, block: settings.block, settings: node.settings, shape: node.shape,
      parameters: ParameterBlock(node.parameters, values: node.values, rate: settings.rate),
      readings: ReadingBlock(readings, hasGauge: node.descriptor.isMeter), files: settings.files, far: settings.far,
      host: settings.host, rings: rings)
    do throws(NodeRefusal) {
      let processor = try node.descriptor.make(context)
      defer { nextSerial += 1 }
      return Instance(serial: nextSerial, resolved: node, processor: processor, born: stage.generation + 1)
    } catch {
      throw .refused(node: node.node.name, error)
    }
  }

  private func set(_ instance: Instance?, _ node: ResolvedNode, _ ramps: [RampKey: HostDuration]) {
    guard let block = instance?.processor.parameters else { return }
    for (index, value) in node.values.enumerated() where block.values[index] != value {
      block.set(index, to: value, over: ramps[RampKey(node: node.node.id, parameter: node.parameters[index].name)])
    }
  }

  private func publish(_ change: (inout Stage) -> Void) {
    stage.learn(isPending: handoff.withdraw())
    change(&stage)
    handoff.publish(stage.makePlan())
    crew.assign(stage.workers)
  }

  /// Lets go of what has faded out, gives back old plans' memory, and brings in what had to wait. True when there was
  /// something to do.
  @discardableResult
  public func service() -> Bool {
    let freed = handoff.reclaim()
    guard stage.hasNews else { return freed }
    publish { stage in stage.settle() }
    return true
  }

  /// A node's processor, for what is particular to its kind.
  public func processor(of id: NodeID) -> Processor? { stage.live(id)?.processor }

  /// What a node measures.
  public func readings(of id: NodeID) -> [(name: String, value: Double)] {
    stage.live(id)?.processor.readings.values ?? []
  }

  /// What went wrong in nodes' slow halves since the last call.
  public func takeTroubles() -> [(node: NodeID, message: String)] { stage.takeTroubles() }
}
