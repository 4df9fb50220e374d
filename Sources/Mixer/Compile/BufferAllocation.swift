/// Which planes each port uses. A plane is taken when something is written into it and given back after its last reader,
/// so that a plan's memory is what it needs at one moment and stays in the cache. Pure.
struct BufferAllocation: Equatable {
  /// Plane 0 is silence, which nobody writes.
  static let silence = 0

  /// Planes of each node's ports: `[node][port][channel]`.
  private(set) var inputs: [[[Int]]]
  private(set) var outputs: [[[Int]]]
  /// How many there are, silence included.
  private(set) var count = 1
  private var free: [Int] = []
  /// Edges that have yet to read an output: `[node][port]`.
  private var readers: [[Int]]

  init(_ stage: StageGraph, order: [Int], sources: [[InputSource]]) {
    inputs = stage.nodes.map { node in node.inputs.map { Array(repeating: Self.silence, count: $0) } }
    outputs = stage.nodes.map { node in node.outputs.map { Array(repeating: Self.silence, count: $0) } }
    readers = stage.nodes.map { Array(repeating: 0, count: $0.outputs.count) }
    for edge in stage.edges { readers[edge.from][edge.output] += 1 }
    for place in order { allocate(place, stage, sources[place]) }
  }

  private mutating func allocate(_ place: Int, _ stage: StageGraph, _ sources: [InputSource]) {
    let node = stage.nodes[place]
    for (port, source) in sources.enumerated() {
      switch source {
      case .silence: break
      case .direct(let edge): inputs[place][port] = outputs[stage.edges[edge].from][stage.edges[edge].output]
      case .sum(let edges):
        inputs[place][port] = take(node.inputs[port])
        for edge in edges { letGo(stage.edges[edge]) }
      }
    }
    let carried = node.inPlace && isLastReader(sources.first, stage)
    for port in node.outputs.indices {
      outputs[place][port] = carried && port == 0 ? inputs[place][0] : take(node.outputs[port])
    }
    for (port, source) in sources.enumerated() {
      switch source {
      case .silence: break
      case .direct(let edge):
        // What is carried on is given back by the readers of the output.
        if carried, port == 0 {
          readers[stage.edges[edge].from][stage.edges[edge].output] -= 1
        } else {
          letGo(stage.edges[edge])
        }
      case .sum: if !(carried && port == 0) { give(inputs[place][port]) }
      }
    }
    for port in node.outputs.indices where readers[place][port] == 0 { give(outputs[place][port]) }
  }

  private func isLastReader(_ source: InputSource?, _ stage: StageGraph) -> Bool {
    switch source {
    case .sum: return true
    case .direct(let index):
      let edge = stage.edges[index]
      return readers[edge.from][edge.output] == 1
    case .silence, nil: return false
    }
  }

  private mutating func letGo(_ edge: StageGraph.Edge) {
    readers[edge.from][edge.output] -= 1
    if readers[edge.from][edge.output] == 0 { give(outputs[edge.from][edge.output]) }
  }

  /// Given back last, taken first: it is still in the cache.
  private mutating func take(_ channels: Int) -> [Int] {
    (0..<channels).map { _ in
      if let plane = free.popLast() { return plane }
      count += 1
      return count - 1
    }
  }

  private mutating func give(_ planes: [Int]) { free += planes.reversed() }
}
