public import AudioCore

/// What somebody wants of a node.
public struct GraphNode: Hashable, Sendable {
  public let id: NodeID
  /// Its own within the graph; in messages.
  public var name: String
  public let kind: String
  public var settings: [String: SettingValue]
  public var parameters: [String: Double]

  public init(
    id: NodeID, name: String, kind: String, settings: [String: SettingValue] = [:], parameters: [String: Double] = [:]
  ) {
    self.id = id
    self.name = name
    self.kind = kind
    self.settings = settings
    self.parameters = parameters
  }
}

/// One change to a graph.
public enum GraphEdit: Hashable, Sendable {
  case add(GraphNode)
  case remove(NodeID)
  case rename(NodeID, String)
  case connect(Connection)
  case disconnect(Connection)
  /// Structure: a new processor, faded to.
  case configure(NodeID, String, SettingValue)
  /// A live value, over the time its spec says.
  case set(NodeID, String, Double)
  case ramp(NodeID, String, Double, over: HostDuration)
}

/// What bounds a graph, whoever edits it.
public struct GraphLimits: Hashable, Sendable {
  public var nodes: Int
  public var connections: Int
  /// What all nodes together may take of memory, about.
  public var bytes: Int
  public static let longestName = 64

  public init(nodes: Int = 4096, connections: Int = 16_384, bytes: Int = 256 << 20) {
    self.nodes = nodes
    self.connections = connections
    self.bytes = bytes
  }
}

/// Nodes and the connections between them: a value, edited and then committed whole. It knows no kinds of node, so what it
/// refuses is what would be wrong whatever they are; the rest is `Validation`.
public struct Graph: Hashable, Sendable {
  public private(set) var nodes: [NodeID: GraphNode] = [:]
  public private(set) var connections: Set<Connection> = []
  public private(set) var limits: GraphLimits
  private var names: [String: NodeID] = [:]
  private var nextID = 1

  public init(limits: GraphLimits = GraphLimits()) { self.limits = limits }

  public func node(named name: String) -> GraphNode? { names[name].flatMap { nodes[$0] } }
  /// In the order of their numbers.
  public var sortedNodes: [GraphNode] { nodes.values.sorted { $0.id < $1.id } }
  public var sortedConnections: [Connection] { connections.sorted() }
  /// A number that no node has or had.
  public var freshID: NodeID { NodeID(nextID) }

  /// What to call a node in a message.
  public func name(of id: NodeID) -> String { nodes[id]?.name ?? "#\(id.value)" }

  public mutating func apply(_ edit: GraphEdit) throws(GraphError) {
    switch edit {
    case .add(let node): try add(node)
    case .remove(let id): try remove(id)
    case .rename(let id, let name):
      var node = try require(id)
      guard name != node.name else { return }
      try requireFree(name)
      names[node.name] = nil
      names[name] = id
      node.name = name
      nodes[id] = node
    case .connect(let connection): try connect(connection)
    case .disconnect(let connection):
      guard connections.remove(connection) != nil else {
        throw .notConnected(from: name(of: connection.from.node), to: name(of: connection.to.node))
      }
    case .configure(let id, let name, let value):
      var node = try require(id)
      node.settings[name] = value
      nodes[id] = node
    case .set(let id, let name, let value), .ramp(let id, let name, let value, over: _):
      var node = try require(id)
      node.parameters[name] = value
      nodes[id] = node
    }
  }

  /// Adds a node under a fresh number, which it returns.
  public mutating func add(
    _ kind: String, name: String? = nil, settings: [String: SettingValue] = [:], parameters: [String: Double] = [:]
  ) throws(GraphError) -> NodeID {
    let id = freshID
    try add(
      GraphNode(
        id: id, name: name ?? "\(kind)\(id.value)", kind: kind, settings: settings, parameters: parameters))
    return id
  }

  public mutating func connect(_ from: NodeID, _ to: NodeID, output: Int = 0, input: Int = 0) throws(GraphError) {
    try connect(Connection(from: PortID(from, output), to: PortID(to, input)))
  }

  private func require(_ id: NodeID) throws(GraphError) -> GraphNode {
    guard let node = nodes[id] else { throw .unknownNode(name(of: id)) }
    return node
  }

  private func requireFree(_ name: String) throws(GraphError) {
    guard (1...GraphLimits.longestName).contains(name.utf8.count), !name.contains(":") else { throw .badName(name) }
    guard names[name] == nil else { throw .nameTaken(name) }
  }

  private mutating func add(_ node: GraphNode) throws(GraphError) {
    guard nodes[node.id] == nil, node.id.value > 0, node.id.value < 1 << 40 else { throw .idTaken(node.id) }
    guard nodes.count < limits.nodes else { throw .tooManyNodes(limits.nodes) }
    try requireFree(node.name)
    nodes[node.id] = node
    names[node.name] = node.id
    nextID = max(nextID, node.id.value + 1)
  }

  private mutating func remove(_ id: NodeID) throws(GraphError) {
    let node = try require(id)
    nodes[id] = nil
    names[node.name] = nil
    connections = connections.filter { $0.from.node != id && $0.to.node != id }
  }

  private mutating func connect(_ connection: Connection) throws(GraphError) {
    let from = try require(connection.from.node)
    let to = try require(connection.to.node)
    guard !connections.contains(connection) else { throw .connectedTwice(from: from.name, to: to.name) }
    guard connections.count < limits.connections else { throw .tooManyConnections(limits.connections) }
    connections.insert(connection)
  }
}
