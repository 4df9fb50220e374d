public import AudioCore

/// A node as its kind understands it.
struct ResolvedNode {
  let node: GraphNode
  let descriptor: NodeDescriptor
  let settings: Settings
  let shape: NodeShape
  let parameters: [ParameterSpec]
  let values: [Double]

  /// What it takes of the graph's memory, about.
  func bytes(at rate: SampleRate) -> Int {
    let channels = (shape.inputs + shape.outputs).reduce(0) { $0 + $1.layout.count }
    return Self.least + channels * Self.plane + descriptor.memoryFor(settings, rate)
  }

  /// A processor with what belongs to it, and the longest block of one channel.
  private static let least = 4096
  private static let plane = 1024 * MemoryLayout<Float>.size

  /// Whether a processor made for the one serves the other: only live values differ.
  func isBuilt(like other: ResolvedNode) -> Bool { node.kind == other.node.kind && settings == other.settings }
}

/// What must hold of a graph before anything is made of it. Pure.
enum Validation {
  /// Checks what a node is told against what its kind knows.
  static func resolve(_ node: GraphNode, in catalog: NodeCatalog) throws(GraphError) -> ResolvedNode {
    guard let descriptor = catalog[node.kind] else { throw .unknownKind(node.kind) }
    let settings: Settings
    let shape: NodeShape
    do throws(NodeRefusal) {
      settings = try Settings(descriptor.settings, given: node.settings)
      shape = try descriptor.shapeFor(settings)
    } catch {
      throw .refused(node: node.name, error)
    }
    let specs = ParameterSpec.expanded(descriptor.parametersFor(settings), of: shape)
    let known = Set(specs.map(\.name))
    for name in node.parameters.keys.sorted() where !known.contains(name) {
      throw .unknownParameter(node: node.name, parameter: name)
    }
    var values: [Double] = []
    values.reserveCapacity(specs.count)
    for spec in specs {
      let value = node.parameters[spec.name] ?? spec.initial
      guard spec.accepts(value) else {
        throw .outOfRange(node: node.name, parameter: spec.name, range: spec.range, unit: spec.unit)
      }
      values.append(value)
    }
    return ResolvedNode(
      node: node, descriptor: descriptor, settings: settings, shape: shape, parameters: specs, values: values)
  }

  /// Checks that every connection joins ports that exist and agree.
  static func check(_ connections: [Connection], of nodes: [NodeID: ResolvedNode]) throws(GraphError) {
    for connection in connections {
      guard let from = nodes[connection.from.node] else { throw .unknownNode("#\(connection.from.node.value)") }
      guard let to = nodes[connection.to.node] else { throw .unknownNode("#\(connection.to.node.value)") }
      let (outputs, inputs) = (from.shape.outputs, to.shape.inputs)
      guard outputs.indices.contains(connection.from.port) else {
        throw .unknownPort(node: from.node.name, port: connection.from.port, has: outputs.count)
      }
      guard inputs.indices.contains(connection.to.port) else {
        throw .unknownPort(node: to.node.name, port: connection.to.port, has: inputs.count)
      }
      let (has, wants) = (outputs[connection.from.port].layout, inputs[connection.to.port].layout)
      guard has == wants else { throw .clash(from: from.node.name, has: has, to: to.node.name, wants: wants) }
    }
  }

  /// The order of a graph's own nodes and connections; `ids` are sorted.
  static func order(
    _ ids: [NodeID], _ edges: [(from: Int, to: Int)], name: (NodeID) -> String
  ) throws(GraphError) -> [Int] {
    switch Ordering.order(ids.count, edges) {
    case .order(let order): return order
    case .cycle(let places): throw .cycle(places.map { name(ids[$0]) })
    }
  }
}

extension NodeCatalog {
  /// The ports of a node as it is told to be.
  public func shape(of node: GraphNode) throws(GraphError) -> NodeShape { try Validation.resolve(node, in: self).shape }

  /// What a node takes of its graph's memory, about.
  public func bytes(of node: GraphNode, at rate: SampleRate) throws(GraphError) -> Int {
    try Validation.resolve(node, in: self).bytes(at: rate)
  }
}
