import AudioCore

/// A graph that holds: every connection joins what fits, there is an order, and the ways' latencies are known once the
/// processors are. Pure.
struct WantedGraph {
  /// Sorted.
  let ids: [NodeID]
  let connections: [Connection]
  /// The connections as places among `ids`.
  let edges: [(from: Int, to: Int)]
  let order: [Int]

  /// An empty graph.
  init() {
    ids = []
    connections = []
    edges = []
    order = []
  }

  init(_ graph: Graph, _ nodes: [NodeID: ResolvedNode]) throws(GraphError) {
    let ids = graph.nodes.keys.sorted()
    let connections = graph.sortedConnections
    try Validation.check(connections, of: nodes)
    let places = Dictionary(uniqueKeysWithValues: ids.enumerated().map { ($0.element, $0.offset) })
    let edges = connections.map { (from: places[$0.from.node] ?? 0, to: places[$0.to.node] ?? 0) }
    order = try Validation.order(ids, edges) { graph.name(of: $0) }
    self.ids = ids
    self.connections = connections
    self.edges = edges
  }
}
