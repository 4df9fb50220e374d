import AudioCore
import Control
import GraphFiles
import Mixer
import Policy

/// A bus of a profile as a graph: what is played into it, its chain, a meter of what comes out, and the bus that is heard.
enum BusGraph {
  /// Its readings are the bus's loudness.
  static let meter = "loudness-meter"
  /// The leveller that only makes good what the compressor takes or gives.
  static let trim = "trim"

  static func make(_ bus: BusDescription, layout: ChannelLayout) throws(GraphDocumentError) -> Graph {
    var nodes = try chain(bus)
    nodes.append(["kind": "loudness", "name": .string(meter)])
    let chain = try Chain(["nodes": .array(nodes)], name: bus.name)
    return try chain.graph(
      from: (kind: "input", arguments: [:]), to: (kind: "stream_sink", arguments: ["bus": .string(bus.name)]),
      layout: layout
    ).graph
  }

  private static func chain(_ bus: BusDescription) throws(GraphDocumentError) -> [JSON] {
    switch bus.chain {
    case .nodes(let nodes):
      return nodes.map { node in
        var json: JSONObject = ["kind": .string(node.kind)]
        if let name = node.name { json["name"] = .string(name) }
        json["args"] = .object(JSONObject(node.args.map { ($0.name, $0.value.json) }))
        return .object(json)
      }
    case .preset(let name):
      guard let preset = ChainPresets[name] else {
        throw GraphDocumentError(
          "there is no chain \(name); there are " + ChainPresets.all.map(\.name).joined(separator: ", "),
          code: "unknown_chain")
      }
      return preset.json["nodes"]?.arrayValue ?? []
    }
  }
}

extension BusGraph {
  static var presets: [String] { ChainPresets.all.map(\.name) }
  static var nodeKinds: [String] { NodeCatalog.linked.kinds.map(\.kind) }
}
