import AudioCore

/// One cycle's work on a graph, as flat arrays: built by control, handed over whole, never changed, freed by control.
struct GraphPlan: ~Copyable {
  struct Step {
    /// Nil for a sum, which fills the planes of its first output.
    let processor: Unmanaged<Processor>?
    /// The processor's state.
    let memory: UnsafeMutableRawPointer
    let inputs: UnsafePointer<Planes>
    let outputs: UnsafePointer<Planes>
    let items: UnsafePointer<MixItem>
    let inputCount: Int32
    let outputCount: Int32
    let itemCount: Int32
    /// The node's number; of a sum, of what it feeds.
    let node: Int32
    /// It may pass sound on without a look at it.
    let isMeter: Bool
    /// Of those with the same claim.
    let isLast: Bool
  }

  let generation: Int
  let block: Int
  let steps: UnsafeMutablePointer<Step>
  let stepCount: Int
  /// Nanoseconds that each step took when last it was timed. Render's alone.
  let times: UnsafeMutablePointer<Int32>
  let orders: UnsafeMutablePointer<EdgeOrder>
  let orderCount: Int
  let planeCount: Int
  private let items: UnsafeMutablePointer<MixItem>
  private let ports: UnsafeMutablePointer<Planes>
  private let channels: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  private let arena: UnsafeMutablePointer<Float>
  /// Keep alive what the steps point to. Never touched by render.
  private let processors: [Processor]
  private let edges: [Edge]

  /// Emits the plan of a stage. `processors` and `edges` are in its order. Thread: control.
  init(
    _ stage: StageGraph, order: [Int], sources: [[InputSource]], planes: BufferAllocation, instances: [Instance],
    edges: [Edge], block: FrameCount, generation: Int
  ) {
    let processors = instances.map(\.processor)
    self.generation = generation
    self.block = block.value
    self.processors = processors
    self.edges = edges
    planeCount = planes.count
    // A little more than a power of two apart, so that planes do not share their places in the cache.
    let stride = (block.value + 15) / 16 * 16 + 16
    arena = UnsafeMutableRawPointer.allocate(byteCount: planes.count * stride * 4, alignment: 64)
      .bindMemory(to: Float.self, capacity: planes.count * stride)
    arena.initialize(repeating: 0, count: planes.count * stride)

    var draft = Draft()
    for place in order { draft.add(place, stage, sources[place], planes) }
    channels = .allocate(capacity: max(draft.channels.count, 1))
    for (index, plane) in draft.channels.enumerated() { (channels + index).initialize(to: arena + plane * stride) }
    ports = .allocate(capacity: max(draft.ports.count, 1))
    for (index, port) in draft.ports.enumerated() {
      (ports + index).initialize(
        to: Planes(channels: channels + port.first, count: port.count, isConnected: port.isConnected))
    }
    items = .allocate(capacity: max(draft.items.count, 1))
    for (index, item) in draft.items.enumerated() {
      (items + index).initialize(
        to: MixItem(state: edges[item.edge].state, source: channels + item.first, channels: item.count))
    }
    stepCount = draft.steps.count
    var claims: Set<ObjectIdentifier> = []
    let isLast = draft.steps.reversed().map { step in
      step.place.flatMap { processors[$0].claim }.map { claims.insert(ObjectIdentifier($0)).inserted } ?? true
    }
    steps = .allocate(capacity: max(stepCount, 1))
    for (index, step) in draft.steps.enumerated() {
      (steps + index).initialize(
        to: Step(
          processor: step.place.map { Unmanaged.passUnretained(processors[$0]) },
          memory: step.place.map { processors[$0].memory } ?? UnsafeMutableRawPointer(arena),
          inputs: ports + step.inputs,
          outputs: ports + step.outputs, items: items + step.items, inputCount: Int32(step.inputCount),
          outputCount: Int32(step.outputCount), itemCount: Int32(step.itemCount),
          node: Int32(truncatingIfNeeded: instances[step.owner].id.value),
          isMeter: step.place.map { instances[$0].resolved.descriptor.isMeter } ?? false,
          isLast: isLast[stepCount - 1 - index]))
    }
    times = .allocate(capacity: max(stepCount, 1))
    times.initialize(repeating: 0, count: max(stepCount, 1))
    orderCount = edges.count
    orders = .allocate(capacity: max(orderCount, 1))
    for (index, edge) in edges.enumerated() { (orders + index).initialize(to: edge.command) }
  }

  /// Thread: control.
  deinit {
    steps.deallocate()
    times.deallocate()
    orders.deallocate()
    items.deallocate()
    ports.deallocate()
    channels.deallocate()
    arena.deallocate()
  }
}

/// The plan's arrays as numbers, until their lengths are known.
private struct Draft {
  struct Port {
    let first: Int
    let count: Int
    let isConnected: Bool
  }
  struct Item {
    let edge: Int
    let first: Int
    let count: Int
  }
  struct Step {
    /// Nil for a sum.
    let place: Int?
    /// The node that it is, or that a sum is for.
    let owner: Int
    var inputs = 0
    var inputCount = 0
    var outputs = 0
    var outputCount = 0
    var items = 0
    var itemCount = 0
  }

  var channels: [Int] = []
  var ports: [Port] = []
  var items: [Item] = []
  var steps: [Step] = []

  private mutating func port(_ planes: [Int], isConnected: Bool = true) -> Port {
    let port = Port(first: channels.count, count: planes.count, isConnected: isConnected)
    channels += planes
    return port
  }

  mutating func add(_ place: Int, _ stage: StageGraph, _ sources: [InputSource], _ planes: BufferAllocation) {
    for (index, source) in sources.enumerated() {
      guard case .sum(let edges) = source else { continue }
      var sum = Step(
        place: nil, owner: place, outputs: ports.count, outputCount: 1, items: items.count, itemCount: edges.count)
      ports.append(port(planes.inputs[place][index]))
      for edge in edges {
        let from = stage.edges[edge]
        let source = planes.outputs[from.from][from.output]
        items.append(Item(edge: edge, first: channels.count, count: source.count))
        channels += source
      }
      sum.inputs = sum.outputs
      steps.append(sum)
    }
    var step = Step(place: place, owner: place, inputs: ports.count, inputCount: sources.count)
    for (index, source) in sources.enumerated() {
      ports.append(port(planes.inputs[place][index], isConnected: source != .silence))
    }
    step.outputs = ports.count
    step.outputCount = planes.outputs[place].count
    for output in planes.outputs[place] { ports.append(port(output)) }
    step.items = items.count
    steps.append(step)
  }
}
