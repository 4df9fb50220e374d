import AudioCore
import Control
import Mixer
import Wording

/// The parts of a document, one by one. Every complaint says where.
struct GraphReader {
  let catalog: NodeCatalog

  func object(_ json: JSON?, _ place: String, known: [String]) throws(GraphDocumentError) -> JSONObject {
    guard let object = json?.objectValue else { throw GraphDocumentError("\(place): an object is expected") }
    for key in object.keys where !known.contains(key) {
      throw GraphDocumentError("\(place): there is no \(key)\(meant(key, known))", code: "unknown_member")
    }
    return object
  }

  func list(_ json: JSON?, _ place: String) throws(GraphDocumentError) -> [JSON] {
    guard let json else { return [] }
    guard let list = json.arrayValue else { throw GraphDocumentError("\(place): a list is expected") }
    return list
  }

  func integer(_ json: JSON?, _ place: String, otherwise: Int) throws(GraphDocumentError) -> Int {
    guard let json else { return otherwise }
    guard let value = json.intValue else { throw GraphDocumentError("\(place): a whole number is expected") }
    return value
  }

  func text(_ json: JSON?, _ place: String) throws(GraphDocumentError) -> String {
    guard let value = json?.stringValue else { throw GraphDocumentError("\(place): a text is expected") }
    return value
  }

  private func meant(_ word: String, _ names: [String]) -> String {
    nearestName(to: word, among: names).map { "; did you mean \($0)?" } ?? ""
  }

  /// Adds a node; its arguments are settings or parameters by their names.
  func add(_ json: JSON, _ place: String, to graph: inout Graph) throws(GraphDocumentError) {
    let members = try object(json, place.isEmpty ? "the node" : place, known: ["name", "kind", "args", "comment"])
    let kind = try text(members["kind"], "\(place).kind")
    let name = try members["name"].map { (json) throws(GraphDocumentError) in try text(json, "\(place).name") }
    guard let descriptor = catalog[kind] else {
      throw GraphDocumentError(
        "\(place.isEmpty ? "" : place + ": ")there is no kind of node \(kind)\(meant(kind, catalog.kinds.map(\.kind)))",
        code: "unknown_kind")
    }
    var settings: [String: SettingValue] = [:]
    var parameters: [String: Double] = [:]
    if let arguments = members["args"] {
      guard let arguments = arguments.objectValue else {
        throw GraphDocumentError("\(place).args: an object is expected")
      }
      for (given, value) in arguments {
        let spot = "\(place.isEmpty ? "" : place + ".")args.\(given)"
        let key = self.name(given, in: kind)
        if descriptor.settings.contains(where: { $0.name == key }) {
          settings[key] = try setting(value, spot)
        } else if let number = value.doubleValue ?? value.boolValue.map({ $0 ? 1 : 0 }) {
          // Which there are may depend on the settings: said when the node is.
          parameters[key] = number
        } else {
          throw GraphDocumentError("\(spot): a number is expected, or true or false")
        }
      }
    }
    do throws(GraphError) {
      let id = try graph.add(kind, name: name, settings: settings, parameters: parameters)
      if let node = graph.nodes[id] { _ = try catalog.shape(of: node) }
    } catch {
      throw GraphDocumentError(error, at: place)
    }
  }

  /// Names that protocols before this one gave to what is called otherwise here.
  private static let olderNames = ["freq": "frequency", "db": "gain"]

  func name(_ name: String, in kind: String) -> String {
    guard let newer = Self.olderNames[name], let descriptor = catalog[kind] else { return name }
    let known = descriptor.settings.map(\.name) + descriptor.parameters.map(\.name)
    return !known.contains(name) && known.contains(newer) ? newer : name
  }

  func setting(_ json: JSON, _ place: String) throws(GraphDocumentError) -> SettingValue {
    switch json {
    case .int: if let value = json.intValue { return .integer(value) }
    case .number(let value): return .number(value)
    case .string(let text): return .text(text)
    case .bool(let value): return .toggle(value)
    case .array(let list):
      let numbers = list.compactMap(\.doubleValue)
      if numbers.count == list.count { return .numbers(numbers) }
    case .null, .object: break
    }
    throw GraphDocumentError("\(place): a number, a text, true, false or a list of numbers is expected")
  }

  func connect(_ json: JSON, _ place: String, in graph: inout Graph) throws(GraphDocumentError) {
    let members = try object(json, place, known: ["from", "to", "comment"])
    let from = try port(try text(members["from"], "\(place).from"), "\(place).from", graph) { $0.outputs }
    let to = try port(try text(members["to"], "\(place).to"), "\(place).to", graph) { $0.inputs }
    do throws(GraphError) { try graph.apply(.connect(Connection(from: from, to: to))) } catch {
      throw GraphDocumentError(error, at: place)
    }
  }

  /// `node`, `node:port` by name, or `node:2` by number.
  func port(
    _ text: String, _ place: String, _ graph: Graph, _ ports: (NodeShape) -> [PortSpec]
  ) throws(GraphDocumentError) -> PortID {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map { String($0) }
    guard let node = graph.node(named: parts[0]) else {
      throw GraphDocumentError(
        "\(place): there is no node \(parts[0])\(meant(parts[0], graph.sortedNodes.map(\.name)))", code: "unknown_node")
    }
    let list: [PortSpec]
    do throws(GraphError) { list = ports(try catalog.shape(of: node)) } catch {
      throw GraphDocumentError(error, at: place)
    }
    guard parts.count == 2 else { return PortID(node.id) }
    if let index = list.firstIndex(where: { $0.name == parts[1] }) { return PortID(node.id, index) }
    if let number = Int(parts[1]), list.indices.contains(number - 1) { return PortID(node.id, number - 1) }
    let names = list.isEmpty ? "it has none there" : "it has " + list.map(\.name).joined(separator: ", ")
    throw GraphDocumentError("\(place): \(parts[0]) has no port \(parts[1]); \(names)", code: "unknown_port")
  }
}
