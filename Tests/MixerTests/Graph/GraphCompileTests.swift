import AudioCore
import Testing

@testable import Mixer

/// The compiler's passes, each by itself.
@Suite struct GraphCompileTests {
  @Test func orderIsStable() {
    #expect(Ordering.order(4, []) == .order([0, 1, 2, 3]))
    #expect(Ordering.order(4, [(3, 0), (0, 1)]) == .order([2, 3, 0, 1]))
    #expect(Ordering.order(5, [(4, 2), (2, 0), (4, 3), (3, 0), (0, 1)]) == .order([4, 2, 3, 0, 1]))
    #expect(Ordering.order(0, []) == .order([]))
  }

  @Test func circlesAreFoundWhateverHangsOnThem() {
    #expect(Ordering.order(6, [(0, 1), (1, 2), (2, 3), (3, 1), (3, 4), (4, 5)]) == .cycle([1, 2, 3]))
    #expect(Ordering.order(1, [(0, 0)]) == .cycle([0]))
    #expect(Ordering.order(4, [(2, 1), (1, 2), (0, 3), (3, 0)]) == .cycle([0, 3]))
  }

  @Test func delaysMakeAllWaysEquallyLong() {
    //   0 ─(10)─ 1 ─┐
    //   └───────────3 ─(0)─ 4
    //   └─(5)─── 2 ─┘
    let edges = [(from: 0, to: 1), (0, 3), (0, 2), (1, 3), (2, 3), (3, 4)]
    let balance = LatencyBalance(order: [0, 1, 2, 3, 4], latencies: [0, 10, 5, 7, 0], edges: edges)
    #expect(balance.delays == [0, 10, 0, 0, 5, 0])
    #expect(balance.arrivals == [0, 0, 0, 10, 17])
  }

  private func allocation(_ stage: StageGraph) -> (BufferAllocation, [[InputSource]]) {
    guard case .order(let order) = Ordering.order(stage.nodes.count, stage.pairs) else {
      Issue.record("circle")
      return (BufferAllocation(StageGraph(), order: [], sources: []), [])
    }
    let sources = SumInsertion.sources(of: stage)
    return (BufferAllocation(stage, order: order, sources: sources), sources)
  }

  @Test func chainInPlaceNeedsOnePlaneAChannel() {
    var stage = StageGraph()
    stage.nodes = [.init(outputs: [2])] + Array(repeating: .init(inputs: [2], outputs: [2], inPlace: true), count: 9)
    stage.edges = (0..<9).map { .init(from: $0, to: $0 + 1) }
    let (planes, sources) = allocation(stage)
    #expect(planes.count == 3)
    #expect(sources[1] == [.direct(edge: 0)])
  }

  @Test func chainThatIsNotInPlaceTakesTurns() {
    var stage = StageGraph()
    stage.nodes = [.init(outputs: [1])] + Array(repeating: .init(inputs: [1], outputs: [1]), count: 9)
    stage.edges = (0..<9).map { .init(from: $0, to: $0 + 1) }
    #expect(allocation(stage).0.count == 3)
  }

  @Test func whatIsReadAgainIsNotOverwritten() {
    var stage = StageGraph()
    stage.nodes = [
      .init(outputs: [1]), .init(inputs: [1], outputs: [1], inPlace: true),
      .init(inputs: [1], outputs: [1], inPlace: true), .init(inputs: [1]),
    ]
    stage.edges = [.init(from: 0, to: 1), .init(from: 0, to: 2), .init(from: 1, to: 3), .init(from: 2, to: 3)]
    let (planes, sources) = allocation(stage)
    #expect(planes.outputs[1][0] != planes.outputs[0][0], "the second reader comes later")
    #expect(planes.outputs[2][0] == planes.outputs[0][0], "the last reader may")
    #expect(sources[3] == [.sum(edges: [2, 3])])
    #expect(planes.inputs[3][0] != planes.outputs[1][0])
  }

  @Test func silenceIsNeverWritten() {
    var stage = StageGraph()
    stage.nodes = [.init(inputs: [2], outputs: [2], inPlace: true), .init(inputs: [2], outputs: [2], inPlace: true)]
    stage.edges = [.init(from: 0, to: 1)]
    let (planes, sources) = allocation(stage)
    #expect(sources[0] == [.silence] && planes.inputs[0][0] == [0, 0])
    #expect(!planes.outputs[0][0].contains(0))
  }

  /// Follows random plans plane by plane: nothing is read that something else has been written over.
  @Test func randomPlansReadWhatWasWritten() {
    var random = SeededGenerator(7)
    for _ in 0..<300 {
      var stage = StageGraph()
      let count = Int.random(in: 2...30, using: &random)
      for _ in 0..<count {
        let inputs = Int.random(in: 0...3, using: &random)
        stage.nodes.append(
          .init(
            inputs: Array(repeating: 2, count: inputs),
            outputs: Array(repeating: 2, count: Int.random(in: 0...2, using: &random)),
            inPlace: false))
        if inputs > 0, !stage.nodes[stage.nodes.count - 1].outputs.isEmpty {
          stage.nodes[stage.nodes.count - 1].inPlace = Bool.random(using: &random)
        }
      }
      for to in 1..<count {
        for input in stage.nodes[to].inputs.indices {
          for _ in 0..<Int.random(in: 0...2, using: &random) {
            let from = Int.random(in: 0..<to, using: &random)
            guard !stage.nodes[from].outputs.isEmpty else { continue }
            let output = Int.random(in: 0..<stage.nodes[from].outputs.count, using: &random)
            let edge = StageGraph.Edge(
              from: from, output: output, to: to, input: input, isWorked: Bool.random(using: &random))
            if !stage.edges.contains(where: {
              $0.from == from && $0.output == output && $0.to == to && $0.input == input
            }) {
              stage.edges.append(edge)
            }
          }
        }
      }
      follow(stage)
    }
  }

  /// A written plane bears its writer: the output's number, or the sum's.
  private func follow(_ stage: StageGraph) {
    let (planes, sources) = allocation(stage)
    guard case .order(let order) = Ordering.order(stage.nodes.count, stage.pairs) else { return }
    var writer = [Int](repeating: -1, count: planes.count)
    func name(_ place: Int, _ port: Int) -> Int { place * 100 + port }
    for place in order {
      for (port, source) in sources[place].enumerated() {
        guard case .sum(let edges) = source else { continue }
        for edge in edges.map({ stage.edges[$0] }) {
          for plane in planes.outputs[edge.from][edge.output] { #expect(writer[plane] == name(edge.from, edge.output)) }
          #expect(Set(planes.outputs[edge.from][edge.output]).isDisjoint(with: planes.inputs[place][port]))
        }
        for plane in planes.inputs[place][port] { writer[plane] = name(place, port + 50) }
      }
      for (port, source) in sources[place].enumerated() {
        switch source {
        case .silence: #expect(planes.inputs[place][port].allSatisfy { $0 == 0 })
        case .direct(let index):
          let edge = stage.edges[index]
          for plane in planes.inputs[place][port] { #expect(writer[plane] == name(edge.from, edge.output)) }
        case .sum: for plane in planes.inputs[place][port] { #expect(writer[plane] == name(place, port + 50)) }
        }
      }
      for (port, output) in planes.outputs[place].enumerated() {
        for input in planes.inputs[place].indices where !(stage.nodes[place].inPlace && port == 0 && input == 0) {
          #expect(Set(output).isDisjoint(with: planes.inputs[place][input]))
        }
        for plane in output {
          #expect(plane != 0)
          writer[plane] = name(place, port)
        }
      }
    }
  }
}

/// Numbers that are the same in every run.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
