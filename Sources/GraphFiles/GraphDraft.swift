public import AudioCore
public import Control
public import Mixer
import Wording

/// Edits in the words of a request, gathered on a copy of a graph: nothing happens until the whole is committed.
///
/// Nodes are meant by number or by name; ports as `node`, `node:port` by the port's name, or `node:2` by its number.
public struct GraphDraft {
  public private(set) var graph: Graph
  public private(set) var edits: [GraphEdit] = []
  private let reader: GraphReader

  public init(_ graph: Graph, catalog: NodeCatalog = .linked) {
    self.graph = graph
    reader = GraphReader(catalog: catalog)
  }

  // MARK: Edits

  /// Settings and parameters may be given in one object.
  public mutating func create(
    kind: String, name: String?, arguments: JSONObject
  ) throws(GraphDocumentError) -> NodeID {
    var node: JSONObject = ["kind": .string(kind), "args": .object(arguments)]
    if let name { node["name"] = .string(name) }
    let id = graph.freshID
    var next = graph
    try reader.add(.object(node), "", to: &next)
    guard let made = next.nodes[id] else { preconditionFailure("a node was added under another number") }
    try apply(.add(made))
    return id
  }

  public mutating func destroy(_ node: JSON) throws(GraphDocumentError) { try apply(.remove(try self.node(node).id)) }

  public mutating func rename(_ node: JSON, to name: String) throws(GraphDocumentError) {
    try apply(.rename(try self.node(node).id, name))
  }

  public mutating func connect(_ from: JSON, _ to: JSON) throws(GraphDocumentError) {
    let connection = try Connection(from: port(from, "from", \.outputs), to: port(to, "to", \.inputs))
    try apply(.connect(connection))
  }

  /// One connection, or with one end left out all there are at the other. Returns how many there were.
  public mutating func disconnect(_ from: JSON?, _ to: JSON?) throws(GraphDocumentError) -> Int {
    if let from, let to {
      let connection = try Connection(from: port(from, "from", \.outputs), to: port(to, "to", \.inputs))
      if graph.connections.contains(connection) {
        try apply(.disconnect(connection))
        return 1
      }
    }
    let source = try from.map { (json) throws(GraphDocumentError) in try node(json).id }
    let target = try to.map { (json) throws(GraphDocumentError) in try node(json).id }
    let all = graph.sortedConnections.filter {
      (source == nil || $0.from.node == source) && (target == nil || $0.to.node == target)
    }
    guard !all.isEmpty else {
      throw GraphDocumentError("there is no such connection", code: "not_connected")
    }
    for connection in all { try apply(.disconnect(connection)) }
    return all.count
  }

  /// A parameter, which may take its time, or a setting, which makes the node anew.
  public mutating func set(
    _ node: JSON, _ name: String, to value: JSON, over time: HostDuration?
  ) throws(GraphDocumentError) {
    let node = try self.node(node)
    let key = reader.name(name, in: node.kind)
    if reader.catalog[node.kind]?.settings.contains(where: { $0.name == key }) == true {
      return try apply(.configure(node.id, key, try reader.setting(value, name)))
    }
    guard let number = value.doubleValue ?? value.boolValue.map({ $0 ? 1 : 0 }) else {
      throw GraphDocumentError("\(name): a number is expected, or true or false")
    }
    try apply(time.map { .ramp(node.id, key, number, over: $0) } ?? .set(node.id, key, number))
  }

  private mutating func apply(_ edit: GraphEdit) throws(GraphDocumentError) {
    do throws(GraphError) { try graph.apply(edit) } catch {
      throw GraphDocumentError(error.message, code: error.code)
    }
    edits.append(edit)
  }

  // MARK: What is meant

  public func node(_ json: JSON) throws(GraphDocumentError) -> GraphNode {
    if let number = json.intValue {
      if let node = graph.nodes[NodeID(number)] { return node }
      throw GraphDocumentError("there is no node \(number)", code: "unknown_node")
    }
    guard let name = json.stringValue else { throw GraphDocumentError("a node's number or name is expected") }
    if let node = graph.node(named: name) ?? Int(name).flatMap({ graph.nodes[NodeID($0)] }) { return node }
    let meant = nearestName(to: name, among: graph.sortedNodes.map(\.name)).map { "; did you mean \($0)?" } ?? ""
    throw GraphDocumentError("there is no node \(name)\(meant)", code: "unknown_node")
  }

  private func port(
    _ json: JSON, _ place: String, _ ports: (NodeShape) -> [PortSpec]
  ) throws(GraphDocumentError) -> PortID {
    guard let text = json.stringValue, text.contains(":") else { return PortID(try node(json).id) }
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map { String($0) }
    let node = try node(.string(parts[0]))
    return try reader.port("\(node.name):\(parts[1])", place, graph, ports)
  }
}

// One edit as an object: its verb beside the verb's arguments.
extension GraphDraft {
  static let operations = ["create_node", "destroy_node", "connect", "disconnect", "set_param", "rename"]

  /// The new node's number, or null.
  public mutating func take(_ json: JSON) throws(GraphDocumentError) -> JSON {
    let members = try reader.object(
      json, "the edit", known: ["op", "cmd", "args", "type", "name", "id", "from", "to", "param", "value", "ramp_ms"])
    let operation = try reader.text(members["op"] ?? members["cmd"], "op")
    switch operation {
    case "create_node":
      guard let arguments = (members["args"] ?? [:]).objectValue else {
        throw GraphDocumentError("args: an object is expected")
      }
      let name = try members["name"].map { (json) throws(GraphDocumentError) in try reader.text(json, "name") }
      return JSON(try create(kind: try reader.text(members["type"], "type"), name: name, arguments: arguments).value)
    case "destroy_node": try destroy(members["id"] ?? .null)
    case "connect": try connect(members["from"] ?? .null, members["to"] ?? .null)
    case "disconnect":
      guard members["from"] != nil || members["to"] != nil else {
        throw GraphDocumentError("from or to is missing")
      }
      _ = try disconnect(members["from"], members["to"])
    case "rename": try rename(members["id"] ?? .null, to: try reader.text(members["name"], "name"))
    case "set_param":
      let ramp = members["ramp_ms"]?.doubleValue
      if let ramp, !(0...600_000).contains(ramp) { throw GraphDocumentError("ramp_ms: 0 to 600000") }
      try set(
        members["id"] ?? .null, try reader.text(members["param"], "param"), to: members["value"] ?? .null,
        over: ramp.map { HostDuration(nanoseconds: Int64($0 * 1e6)) })
    default:
      let meant = nearestName(to: operation, among: Self.operations).map { "; did you mean \($0)?" } ?? ""
      throw GraphDocumentError("\(operation) is no edit\(meant)")
    }
    return .null
  }
}

extension GraphDocumentError {
  /// The same, with where it was found.
  public func at(_ place: String) -> Self { Self("\(place): \(message)", code: code) }
}
