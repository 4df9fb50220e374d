import Control
import Mixer

/// The daemon's graph as people read it: from what is heard back to where it comes from; or as `dot` draws it.
struct GraphShow {
  private struct Node {
    var name: String
    var kind: String
    var words: String
    var inputs: [(from: Int, port: Int)] = []
    var isHeard = false
  }

  private let reply: JSON
  private var nodes: [Int: Node] = [:]
  private var order: [Int] = []

  init(_ reply: JSON) {
    self.reply = reply
    for node in reply["nodes"]?.arrayValue ?? [] {
      guard let id = node["id"]?.intValue else { continue }
      order.append(id)
      nodes[id] = Node(
        name: node["name"]?.stringValue ?? "", kind: node["type"]?.stringValue ?? "", words: Self.words(of: node))
    }
    for connection in reply["connections"]?.arrayValue ?? [] {
      guard let from = connection["from"]?.intValue, let to = connection["to"]?.intValue else { continue }
      nodes[to]?.inputs.append((from, connection["input"]?.intValue ?? 1))
      nodes[from]?.isHeard = true
    }
  }

  /// What somebody chose, and what it measures.
  private static func words(of node: JSON) -> String {
    let descriptor = NodeCatalog.linked[node["type"]?.stringValue ?? ""]
    var words: [String] = []
    for (name, value) in node["settings"]?.objectValue ?? [:] {
      words.append("\(name) \(value.stringValue ?? value.text)")
    }
    for (name, value) in node["params"]?.objectValue ?? [:] {
      let plain = String(name.prefix { $0 != "." })
      let spec = descriptor?.parameters.first { $0.name == plain }
      guard let number = value.doubleValue, number != spec?.initial else { continue }
      let unit = spec.map { $0.unit == .none ? "" : " \($0.unit.rawValue)" } ?? ""
      words.append("\(name) \(short(number))\(unit)")
    }
    let readings = (node["readings"]?.objectValue ?? [:]).map { "\($0) \(short($1.doubleValue ?? 0))" }
    if !readings.isEmpty { words.append("[" + readings.joined(separator: ", ") + "]") }
    return words.joined(separator: ", ")
  }

  private static func short(_ value: Double) -> String {
    let rounded = (value * 10).rounded() / 10
    return rounded == rounded.rounded() && abs(rounded) < 1e9 ? "\(Int(rounded))" : "\(rounded)"
  }

  /// One line on top: whether it runs, on what, at what cost.
  var headline: String {
    let state = reply["state"]?["value"]?.stringValue ?? "?"
    var line = "graph \(state)"
    if let device = reply["state"]?["device"]?.stringValue { line += " on \(device)" }
    if let message = reply["state"]?["message"]?.stringValue { line += ": \(message)" }
    if let period = reply["device"]?["actual_period"]?.intValue, let rate = reply["device"]?["rate"]?.intValue {
      line += ", cycles of \(period) at \(rate) Hz"
    }
    return line + ", generation \(reply["generation"]?.intValue ?? 0)"
  }

  /// A node that is heard in several places is drawn whole at the first and named at the others.
  func lines() -> [String] {
    var lines = [headline]
    var drawn: Set<Int> = []
    for id in order where nodes[id]?.isHeard == false { draw(id, first: "", rest: "", port: nil, &drawn, &lines) }
    let pairs = (reply["direct"]?.arrayValue ?? []).map {
      "\($0["from"]?.stringValue ?? "?") → \($0["to"]?.stringValue ?? "?")"
    }
    if !pairs.isEmpty { lines.append("  directly: " + pairs.joined(separator: ", ")) }
    if order.isEmpty { lines.append("  no nodes; streamctl graph load FILE brings some") }
    return lines
  }

  private func draw(
    _ id: Int, first: String, rest: String, port: Int?, _ drawn: inout Set<Int>, _ lines: inout [String]
  ) {
    guard let node = nodes[id] else { return }
    let kind = node.name.hasPrefix(node.kind) ? "" : " (\(node.kind))"
    let place = port.map { $0 > 1 ? "in\($0): " : "" } ?? ""
    let isNew = drawn.insert(id).inserted
    lines.append("\(first)\(place)\(node.name)\(kind) #\(id)  \(isNew ? node.words : "see above")".trimmingEnd())
    guard isNew else { return }
    for (index, input) in node.inputs.enumerated() {
      let isLast = index == node.inputs.count - 1
      draw(
        input.from, first: rest + (isLast ? "└─ " : "├─ "), rest: rest + (isLast ? "   " : "│  "), port: input.port,
        &drawn, &lines)
    }
  }

  /// For Graphviz.
  func dot() -> String {
    var text = "digraph streamd {\n  rankdir=LR;\n  node [shape=box];\n"
    for id in order {
      guard let node = nodes[id] else { continue }
      text += "  n\(id) [label=\(Self.quoted("\(node.name)\n\(node.kind)\n\(node.words)"))];\n"
    }
    for id in order {
      for input in nodes[id]?.inputs ?? [] {
        text += "  n\(input.from) -> n\(id)" + (input.port > 1 ? " [headlabel=\"\(input.port)\"]" : "") + ";\n"
      }
    }
    return text + "}"
  }

  private static func quoted(_ text: String) -> String {
    "\""
      + text.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : ($0 == "\n" ? "\\n" : String($0)) }.joined() + "\""
  }
}

extension String {
  fileprivate func trimmingEnd() -> String {
    var text = self
    while text.last == " " { text.removeLast() }
    return text
  }
}
