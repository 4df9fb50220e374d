public import AudioCore
public import Control
public import Mixer

/// A graph as JSON: the rate it is meant for, nodes by name, connections by node and port. `docs/GRAPH.md` has the format.
public struct GraphDocument: Sendable {
  public var rate: SampleRate
  public var graph: Graph

  public static let rates = 8000...192_000

  public init(rate: SampleRate = .codec, graph: Graph) {
    self.rate = rate
    self.graph = graph
  }

  /// Reads a document; what a node's kind makes of its arguments is checked as far as names go, the rest when it is
  /// committed.
  public init(
    _ json: JSON, catalog: NodeCatalog = .linked, limits: GraphLimits = GraphLimits()
  ) throws(GraphDocumentError) {
    let reader = GraphReader(catalog: catalog)
    let members = try reader.object(json, "the graph", known: ["rate", "nodes", "connections", "comment"])
    let hertz = try reader.integer(members["rate"], "rate", otherwise: 48_000)
    guard Self.rates.contains(hertz) else {
      throw GraphDocumentError("rate: \(Self.rates.lowerBound) to \(Self.rates.upperBound) Hz")
    }
    rate = SampleRate(hertz: hertz)
    graph = Graph(limits: limits)
    for (index, node) in try reader.list(members["nodes"], "nodes").enumerated() {
      try reader.add(node, "nodes[\(index)]", to: &graph)
    }
    for (index, connection) in try reader.list(members["connections"], "connections").enumerated() {
      try reader.connect(connection, "connections[\(index)]", in: &graph)
    }
  }

  /// The document as it is written: only what was given, in the order of the nodes.
  public func json(catalog: NodeCatalog = .linked) -> JSON {
    let nodes = graph.sortedNodes.map { node -> JSON in
      var arguments = JSONObject()
      for name in node.settings.keys.sorted() {
        if let value = node.settings[name] { arguments[name] = Self.json(value) }
      }
      for name in node.parameters.keys.sorted() { arguments[name] = node.parameters[name].map { .number($0) } }
      return ["name": .string(node.name), "kind": .string(node.kind), "args": .object(arguments)]
    }
    let connections = graph.sortedConnections.map { connection -> JSON in
      [
        "from": .string(end(connection.from, catalog) { $0.outputs }),
        "to": .string(end(connection.to, catalog) { $0.inputs }),
      ]
    }
    return ["rate": JSON(rate.hertz), "nodes": .array(nodes), "connections": .array(connections)]
  }

  private func end(_ port: PortID, _ catalog: NodeCatalog, _ ports: (NodeShape) -> [PortSpec]) -> String {
    let name = graph.name(of: port.node)
    guard let node = graph.nodes[port.node], let shape = try? catalog.shape(of: node) else {
      return "\(name):\(port.port + 1)"
    }
    let list = ports(shape)
    return list.count > 1 && list.indices.contains(port.port) ? "\(name):\(list[port.port].name)" : name
  }

  public static func json(_ value: SettingValue) -> JSON {
    switch value {
    case .integer(let value): JSON(value)
    case .number(let value): .number(value)
    case .text(let value): .string(value)
    case .toggle(let value): .bool(value)
    case .numbers(let list): .array(list.map { .number($0) })
    }
  }
}

/// Why a document is no graph, and where.
public struct GraphDocumentError: Error, Hashable, Sendable {
  /// Stable, for programs.
  public let code: String
  public let message: String

  public init(_ message: String, code: String = "bad_graph") {
    self.code = code
    self.message = message
  }

  public init(_ error: GraphError, at place: String = "") {
    self.init(place.isEmpty ? error.message : "\(place): \(error.message)", code: error.code)
  }
}
