public import AudioCore

/// Why an edit is refused. The graph that runs is as it was.
public enum GraphError: Error, Hashable, Sendable {
  case unknownKind(String)
  case unknownNode(String)
  case unknownPort(node: String, port: Int, has: Int)
  case unknownParameter(node: String, parameter: String)
  case outOfRange(node: String, parameter: String, range: ClosedRange<Double>, unit: ValueUnit)
  case nameTaken(String)
  case badName(String)
  case idTaken(NodeID)
  case connectedTwice(from: String, to: String)
  case notConnected(from: String, to: String)
  /// What comes out and what goes in have different channels.
  case clash(from: String, has: ChannelLayout, to: String, wants: ChannelLayout)
  /// The nodes of the circle in the order of sound; the last one feeds the first.
  case cycle([String])
  case tooManyNodes(Int)
  case tooManyConnections(Int)
  /// In bytes: what there may be, and what it would be.
  case tooMuchMemory(Int, wanted: Int)
  case refused(node: String, NodeRefusal)

  /// Stable, for programs.
  public var code: String {
    switch self {
    case .unknownKind: "unknown_kind"
    case .unknownNode: "unknown_node"
    case .unknownPort: "unknown_port"
    case .unknownParameter: "unknown_parameter"
    case .outOfRange: "out_of_range"
    case .nameTaken: "name_taken"
    case .badName: "bad_name"
    case .idTaken: "id_taken"
    case .connectedTwice: "already_connected"
    case .notConnected: "not_connected"
    case .clash: "channel_clash"
    case .cycle: "cycle"
    case .tooManyNodes: "too_many_nodes"
    case .tooManyConnections: "too_many_connections"
    case .tooMuchMemory: "too_much_memory"
    case .refused(_, let refusal): refusal.code
    }
  }

  public var message: String {
    switch self {
    case .unknownKind(let kind): "there is no kind of node \(kind)"
    case .unknownNode(let name): "there is no node \(name)"
    case .unknownPort(let node, let port, let has):
      "\(node) has \(has == 0 ? "no ports" : "\(has) port\(has == 1 ? "" : "s")") there, not one numbered \(port + 1)"
    case .unknownParameter(let node, let parameter): "\(node) has no parameter \(parameter)"
    case .outOfRange(let node, let parameter, let range, let unit):
      "\(node): \(parameter) goes from \(range.lowerBound) to \(range.upperBound)"
        + (unit == .none ? "" : " \(unit.rawValue)")
    case .nameTaken(let name): "there is a node \(name) already"
    case .badName(let name):
      "\"\(name)\" is no name for a node: 1 to \(GraphLimits.longestName) bytes without a colon"
    case .idTaken(let id): "\(id.value) is no free number for a node"
    case .connectedTwice(let from, let to): "\(from) is connected to \(to) already"
    case .notConnected(let from, let to): "\(from) is not connected to \(to)"
    case .clash(let from, let has, let to, let wants):
      "\(from) gives \(has.title), \(to) takes \(wants.title); a channel_map between them would do"
    case .cycle(let names): "sound would go round in a circle: " + (names + names.prefix(1)).joined(separator: " → ")
    case .tooManyNodes(let limit): "a graph has at most \(limit) nodes"
    case .tooManyConnections(let limit): "a graph has at most \(limit) connections"
    case .tooMuchMemory(let limit, let wanted):
      "the nodes would take \(wanted >> 20) MiB; there may be \(limit >> 20)"
    case .refused(let node, let refusal): "\(node): \(refusal.message)"
    }
  }
}
