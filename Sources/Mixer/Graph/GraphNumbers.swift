/// What takes the place of another graph goes on where it is alike.
extension Graph {
  /// The same graph with the numbers that nodes of the same name and kind have in `other`: those keep their processors, and
  /// with them filters, loudness and delays. New nodes get numbers that no node there has.
  public func keepingNumbers(of other: Graph) -> Graph {
    var result = Graph(limits: limits)
    var fresh = max(other.freshID.value, freshID.value)
    var numbers: [NodeID: NodeID] = [:]
    for node in sortedNodes {
      let id: NodeID
      if let alike = other.node(named: node.name), alike.kind == node.kind {
        id = alike.id
      } else {
        id = NodeID(fresh)
        fresh += 1
      }
      numbers[node.id] = id
      let moved = GraphNode(
        id: id, name: node.name, kind: node.kind, settings: node.settings, parameters: node.parameters)
      // It was a graph before, under other numbers.
      guard (try? result.apply(.add(moved))) != nil else { return self }
    }
    for connection in sortedConnections {
      guard let from = numbers[connection.from.node], let to = numbers[connection.to.node] else { return self }
      let moved = Connection(from: PortID(from, connection.from.port), to: PortID(to, connection.to.port))
      guard (try? result.apply(.connect(moved))) != nil else { return self }
    }
    return result
  }
}
