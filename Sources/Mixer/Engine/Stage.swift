import AudioCore

/// What is rendered: the graph that is wanted, and what of earlier ones still fades. It decides which connections fade
/// when, and compiles what there is into plans. Thread: control.
struct Stage {
  private let fade: Int
  private let block: FrameCount
  private(set) var generation = 0
  /// The newest plan that render is known to have.
  private var adopted = 0
  private var wanted = WantedGraph()
  private var live: [NodeID: Instance] = [:]
  /// Replaced or removed, and still heard.
  private var ghosts: [Instance] = []
  private var edges: [EdgeKey: Edge] = [:]
  private var orders = 0
  private var delays: [Int] = []
  /// Connections that would, together with what fades out, make a circle: they wait until that is gone.
  private var isPostponing = false
  /// Of the newest plan, those that are worked on only until they have faded.
  private var moving: [Edge] = []
  private(set) var latency = 0

  init(fade: Int, block: FrameCount) {
    self.fade = fade
    self.block = block
  }

  var instanceCount: Int { live.count + ghosts.count }
  var isSettled: Bool { moving.isEmpty && ghosts.isEmpty && !isPostponing }
  var workers: [any NodeWorker] {
    (live.values.sorted { $0.serial < $1.serial } + ghosts).compactMap(\.processor.worker)
  }
  /// Something has come to its end since the newest plan was made.
  var hasNews: Bool { moving.contains { $0.isSettled } }
  func live(_ id: NodeID) -> Instance? { live[id] }
  func isLive(_ instance: Instance) -> Bool { live[instance.id] === instance }

  /// The processor that serves a node as it should be: it may be one that is fading out.
  func instance(for node: ResolvedNode) -> Instance? {
    if let instance = live[node.node.id], instance.resolved.isBuilt(like: node) { return instance }
    return ghosts.first { $0.id == node.node.id && $0.resolved.isBuilt(like: node) }
  }

  func takeTroubles() -> [(node: NodeID, message: String)] {
    live.values.sorted { $0.serial < $1.serial }.compactMap { instance in
      instance.processor.worker?.takeTrouble().map { (instance.id, $0) }
    }
  }

  /// Before a change: whether the newest plan has been taken back unseen. If not, render has it.
  mutating func learn(isPending: Bool) { if !isPending { adopted = generation } }

  /// Thread: control.
  mutating func change(to wanted: WantedGraph, live next: [NodeID: Instance]) {
    let old = Array(live.values) + ghosts
    self.wanted = wanted
    live = next
    ghosts = old.filter { next[$0.id] !== $0 }.sorted { $0.serial < $1.serial }
    settle()
  }

  /// Brings edges and ghosts in line with what is wanted and with how far render has come.
  mutating func settle() {
    generation += 1
    let desired = desiredEdges()
    var arriving: [Int: Int] = [:]
    let additions = desired.filter { edges[$0.key] == nil }
    for (key, warmth) in additions { arriving[key.to] = max(arriving[key.to] ?? 0, warmth) }
    retire(Set(desired.map(\.key)), arriving)
    for (key, _) in desired {
      guard let edge = edges[key], !edge.isIn else { continue }
      orders += 1
      edge.turn(in: true, order: orders, hold: 0)
    }
    add(additions)
    dropGhosts()
  }

  /// What is wanted, as edges with the warm-up of what is new behind each.
  private mutating func desiredEdges() -> [(key: EdgeKey, warmth: Int)] {
    let instances = wanted.ids.compactMap { live[$0] }
    let balance = LatencyBalance(order: wanted.order, latencies: instances.map(\.latency), edges: wanted.edges)
    latency = instances.indices.map { balance.arrivals[$0] + instances[$0].latency }.max() ?? 0
    var warmth = [Int](repeating: 0, count: instances.count)
    var into = [[Int]](repeating: [], count: instances.count)
    for (index, edge) in wanted.edges.enumerated() { into[edge.to].append(index) }
    for place in wanted.order where instances[place].born > adopted {
      let longest = into[place].map { balance.delays[$0] + warmth[wanted.edges[$0].from] }.max() ?? 0
      warmth[place] = longest + instances[place].processor.warmUp.value
    }
    return wanted.connections.enumerated().map { index, connection in
      let ends = wanted.edges[index]
      let key = EdgeKey(
        from: instances[ends.from].serial, output: connection.from.port, to: instances[ends.to].serial,
        input: connection.to.port, delay: balance.delays[index])
      return (key, balance.delays[index] + warmth[ends.from])
    }
  }

  /// Turns what is no longer wanted out, and forgets what nobody hears.
  private mutating func retire(_ desired: Set<EdgeKey>, _ arriving: [Int: Int]) {
    let serials = Set(live.values.map(\.serial))
    let sinks = Set(ghosts.filter(\.isSink).map(\.serial))
    for (key, edge) in edges where !desired.contains(key) {
      if edge.born > adopted || edge.isGone {
        edges[key] = nil
        continue
      }
      // Behind a ghost nothing need fade: the ghost itself does.
      guard edge.isIn, serials.contains(key.to) || sinks.contains(key.to) else { continue }
      orders += 1
      edge.turn(in: false, order: orders, hold: arriving[key.to] ?? 0)
    }
  }

  private mutating func add(_ additions: [(key: EdgeKey, warmth: Int)]) {
    isPostponing = false
    guard !additions.isEmpty else { return }
    let bySerial = Dictionary(uniqueKeysWithValues: (Array(live.values) + ghosts).map { ($0.serial, $0) })
    var circles = CircleGuard(edges.keys.map { ($0.from, $0.to) })
    let mayCircle = !ghosts.isEmpty || edges.values.contains { !$0.isIn }
    for (key, warmth) in additions.sorted(by: { $0.key < $1.key }) {
      if mayCircle, !circles.admit(from: key.from, to: key.to) {
        isPostponing = true
        continue
      }
      guard let from = bySerial[key.from], let to = bySerial[key.to] else { continue }
      // What nobody has heard yet need not fade in: its outputs do.
      let isWhole = adopted == 0 || (to.born > adopted && !to.isSink)
      orders += 1
      edges[key] = Edge(
        key, channels: from.resolved.shape.outputs[key.output].layout.count, born: generation, order: orders,
        hold: isWhole ? 0 : warmth, isWhole: isWhole, fade: fade, block: block.value)
    }
  }

  /// A ghost lives while it feeds something that is heard, or, where it feeds nothing, while it hears something itself.
  private mutating func dropGhosts() {
    guard !ghosts.isEmpty else { return }
    let unheard = Set(ghosts.filter { $0.born > adopted }.map(\.serial))
    let sinks = Set(ghosts.filter(\.isSink).map(\.serial))
    var feeders: [Int: [Int]] = [:]
    for key in edges.keys { feeders[key.to, default: []].append(key.from) }
    var kept: Set<Int> = []
    var open = live.values.map(\.serial) + sinks.filter { feeders[$0] != nil }
    while let serial = open.popLast() {
      guard !unheard.contains(serial), kept.insert(serial).inserted else { continue }
      open += feeders[serial] ?? []
    }
    ghosts.removeAll { !kept.contains($0.serial) }
    edges = edges.filter { kept.contains($0.key.from) && kept.contains($0.key.to) }
  }

  /// Compiles what there is.
  mutating func makePlan() -> GraphPlan {
    let instances = (Array(live.values) + ghosts).sorted { ($0.id, $0.serial) < ($1.id, $1.serial) }
    let places = Dictionary(uniqueKeysWithValues: instances.enumerated().map { ($0.element.serial, $0.offset) })
    func place(_ serial: Int) -> Int { places[serial] ?? 0 }
    // Sums in the order of the nodes, whatever way the graph came about.
    let list = edges.values.sorted {
      (place($0.key.to), place($0.key.from), $0.key) < (place($1.key.to), place($1.key.from), $1.key)
    }
    var stage = StageGraph()
    stage.nodes = instances.map { instance in
      let shape = instance.resolved.shape
      return StageGraph.Node(
        inputs: shape.inputs.map(\.layout.count), outputs: shape.outputs.map(\.layout.count), inPlace: shape.inPlace)
    }
    moving = []
    for edge in list {
      let isWorked = edge.isWorked
      if isWorked, !(edge.isIn && edge.isSettled) { moving.append(edge) }
      stage.edges.append(
        StageGraph.Edge(
          from: place(edge.key.from), output: edge.key.output, to: place(edge.key.to),
          input: edge.key.input, isWorked: isWorked))
    }
    guard case .order(let order) = Ordering.order(instances.count, stage.pairs) else {
      preconditionFailure("a circle in what was checked")
    }
    let sources = SumInsertion.sources(of: stage)
    return GraphPlan(
      stage, order: order, sources: sources, planes: BufferAllocation(stage, order: order, sources: sources),
      instances: instances, edges: list, block: block, generation: generation)
  }
}
