/// What is compiled into a plan: the graph that is wanted and what of earlier ones still fades. Places instead of names;
/// pure values.
struct StageGraph: Equatable {
  struct Node: Equatable {
    /// Channels of each port.
    var inputs: [Int]
    var outputs: [Int]
    var inPlace: Bool

    init(inputs: [Int] = [], outputs: [Int] = [], inPlace: Bool = false) {
      self.inputs = inputs
      self.outputs = outputs
      self.inPlace = inPlace
    }
  }

  struct Edge: Equatable {
    var from: Int
    var output: Int
    var to: Int
    var input: Int
    /// It fades or is delayed: it cannot be read where it was written.
    var isWorked: Bool

    init(from: Int, output: Int = 0, to: Int, input: Int = 0, isWorked: Bool = false) {
      self.from = from
      self.output = output
      self.to = to
      self.input = input
      self.isWorked = isWorked
    }
  }

  var nodes: [Node] = []
  var edges: [Edge] = []

  var pairs: [(from: Int, to: Int)] { edges.map { ($0.from, $0.to) } }
}
