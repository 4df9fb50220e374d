/// Where an input gets its samples from. Pure.
enum InputSource: Equatable {
  /// Nothing is connected.
  case silence
  /// Read where the edge's output was written.
  case direct(edge: Int)
  /// Summed, faded or delayed into planes of its own.
  case sum(edges: [Int])
}

enum SumInsertion {
  /// For each node, for each of its inputs.
  static func sources(of stage: StageGraph) -> [[InputSource]] {
    var into = stage.nodes.map { [[Int]](repeating: [], count: $0.inputs.count) }
    for (index, edge) in stage.edges.enumerated() { into[edge.to][edge.input].append(index) }
    return into.map { ports in
      ports.map { edges in
        if edges.isEmpty { return .silence }
        if edges.count == 1, !stage.edges[edges[0]].isWorked { return .direct(edge: edges[0]) }
        return .sum(edges: edges)
      }
    }
  }
}
