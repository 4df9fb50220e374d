import Control

/// The reference part of docs/PROTOCOL.md, made from `describe` so that it cannot disagree with the daemon.
enum ProtocolPage {
  static func markdown(_ description: JSON) -> String {
    var text = "## Operations\n"
    for (name, op) in description["ops"]?.objectValue ?? [:] { text += operation(name, op) }
    text += "\n## Topics\n\n| topic | kind | what it says |\n|---|---|---|\n"
    for (name, topic) in description["topics"]?.objectValue ?? [:] {
      text += "| `\(name)` | \(topic["kind"]?.plain ?? "") | \(topic["summary"]?.plain ?? "") |\n"
    }
    text += "\n## Error codes\n\n| code | meaning |\n|---|---|\n"
    for (code, meaning) in description["errors"]?.objectValue ?? [:] { text += "| `\(code)` | \(meaning.plain) |\n" }
    return text
  }

  private static func operation(_ name: String, _ op: JSON) -> String {
    var text = "\n### `\(name)`\n\n\(op["summary"]?.plain ?? "")\n\n"
    let properties = op["args"]?["properties"]?.objectValue ?? [:]
    let required = (op["args"]?["required"]?.arrayValue ?? []).map(\.plain)
    if !properties.isEmpty {
      text += "| argument | type | meaning |\n|---|---|---|\n"
      for (argument, schema) in properties {
        let mark = required.contains(argument) ? " (required)" : ""
        text += "| `\(argument)`\(mark) | \(type(schema)) | \(schema["description"]?.plain ?? "") |\n"
      }
      text += "\n"
    }
    return text + "Result: \(op["result"]?.plain ?? "").\n"
  }

  private static func type(_ schema: JSON) -> String {
    var text = schema["type"]?.plain ?? "any"
    if let choices = schema["enum"]?.arrayValue { text = choices.map { "`\($0.plain)`" }.joined(separator: ", ") }
    if let minimum = schema["minimum"], let maximum = schema["maximum"] { text += " \(minimum.plain)…\(maximum.plain)" }
    if let unit = schema["unit"] { text += " \(unit.plain)" }
    if let value = schema["default"] { text += ", default \(value.plain)" }
    return text
  }
}
