public import AudioCore
public import Control
public import Mixer

/// Nodes one after the other, by what they do and not by what they are joined to: how a voice or a programme is treated.
/// A graph takes them between any two of its nodes, in the channels that come there. `docs/GRAPH.md` has the format.
public struct Chain: Sendable {
  public var name: String
  public var summary: String
  /// As they were written.
  private let nodes: [JSON]
  private let catalog: NodeCatalog

  public static let longest = 32

  /// Reads a chain. What its nodes make of their arguments is said when they are put into a graph.
  public init(_ json: JSON, name: String, catalog: NodeCatalog = .linked) throws(GraphDocumentError) {
    self.name = name
    self.catalog = catalog
    let reader = GraphReader(catalog: catalog)
    let members = try reader.object(json, "the chain", known: ["summary", "nodes", "comment"])
    summary = try members["summary"].map { (json) throws(GraphDocumentError) in try reader.text(json, "summary") } ?? ""
    nodes = try reader.list(members["nodes"], "nodes")
    guard nodes.count <= Self.longest else { throw GraphDocumentError("nodes: at most \(Self.longest) of them") }
    var trial = Graph()
    let start = try Self.add("input", "trial", ["channels": "stereo"], to: &trial, catalog)
    _ = try append(to: &trial, after: PortID(start), layout: .stereo)
  }

  public var json: JSON { ["summary": .string(summary), "nodes": .array(nodes)] }

  /// Puts the nodes behind a port where sound in `layout` comes out. Returns where it comes out of them, and in what.
  public func append(
    to graph: inout Graph, after start: PortID, layout: ChannelLayout
  ) throws(GraphDocumentError) -> (end: PortID, layout: ChannelLayout) {
    let reader = GraphReader(catalog: catalog)
    var (end, layout) = (start, layout)
    for (index, json) in nodes.enumerated() {
      let place = "nodes[\(index)]"
      var members = try reader.object(json, place, known: ["name", "kind", "args", "comment"])
      let kind = try reader.text(members["kind"], "\(place).kind")
      var arguments = members["args"]?.objectValue ?? JSONObject()
      if arguments["channels"] == nil, catalog[kind]?.settings.contains(where: { $0.name == "channels" }) ?? false {
        arguments["channels"] = .string(layout.title)
      }
      members["args"] = .object(arguments)
      let given = members["name"]?.stringValue ?? kind
      let name = Self.free(given, in: graph)
      members["name"] = .string(name)
      try reader.add(.object(members), place, to: &graph)
      guard let node = graph.node(named: name), let shape = try? catalog.shape(of: node),
        let input = shape.inputs.first, let output = shape.outputs.first
      else { throw GraphDocumentError("\(place): \(kind) has no way in or none out", code: "no_chain_node") }
      guard input.layout == layout else {
        throw GraphDocumentError(
          "\(place): \(kind) takes \(input.layout.title), and \(layout.title) comes there",
          code: "layout_mismatch")
      }
      do throws(GraphError) { try graph.apply(.connect(Connection(from: end, to: PortID(node.id)))) } catch {
        throw GraphDocumentError(error, at: place)
      }
      (end, layout) = (PortID(node.id), output.layout)
    }
    return (end, layout)
  }

  /// A graph of a source, these nodes and a sink.
  public func graph(
    from source: (kind: String, arguments: JSONObject), to sink: (kind: String, arguments: JSONObject),
    layout: ChannelLayout
  ) throws(GraphDocumentError) -> (graph: Graph, layout: ChannelLayout) {
    var graph = Graph()
    var arguments = source.arguments
    arguments["channels"] = .string(layout.title)
    let start = try Self.add(source.kind, "in", arguments, to: &graph, catalog)
    let (end, made) = try append(to: &graph, after: PortID(start), layout: layout)
    arguments = sink.arguments
    arguments["channels"] = .string(made.title)
    let last = try Self.add(sink.kind, "out", arguments, to: &graph, catalog)
    do throws(GraphError) { try graph.apply(.connect(Connection(from: end, to: PortID(last)))) } catch {
      throw GraphDocumentError(error)
    }
    return (graph, made)
  }

  private static func add(
    _ kind: String, _ name: String, _ arguments: JSONObject, to graph: inout Graph, _ catalog: NodeCatalog
  ) throws(GraphDocumentError) -> NodeID {
    let node: JSON = ["name": .string(name), "kind": .string(kind), "args": .object(arguments)]
    try GraphReader(catalog: catalog).add(node, name, to: &graph)
    guard let added = graph.node(named: name) else { throw GraphDocumentError("\(name): was not added") }
    return added.id
  }

  private static func free(_ name: String, in graph: Graph) -> String {
    guard graph.node(named: name) != nil else { return name }
    var number = 2
    while graph.node(named: "\(name)-\(number)") != nil { number += 1 }
    return "\(name)-\(number)"
  }
}
