/// How long each connection must wait so that all that meets at a node left its sources at the same time. Pure.
struct LatencyBalance: Equatable {
  /// Frames, one for each edge.
  let delays: [Int]
  /// How late each place's inputs are, all of them.
  let arrivals: [Int]

  init(order: [Int], latencies: [Int], edges: [(from: Int, to: Int)]) {
    var into = [[Int]](repeating: [], count: latencies.count)
    for (index, edge) in edges.enumerated() { into[edge.to].append(index) }
    var arrivals = [Int](repeating: 0, count: latencies.count)
    var delays = [Int](repeating: 0, count: edges.count)
    for place in order {
      var latest = 0
      for index in into[place] { latest = max(latest, arrivals[edges[index].from] + latencies[edges[index].from]) }
      arrivals[place] = latest
      for index in into[place] { delays[index] = latest - arrivals[edges[index].from] - latencies[edges[index].from] }
    }
    self.delays = delays
    self.arrivals = arrivals
  }
}
