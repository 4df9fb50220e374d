import AudioIO

/// A node's name as the session manager's metadata holds it: `{"name":"…"}`.
enum MetadataName {
  static func configured(_ device: DefaultDevice) -> String { "default.configured.audio.\(device.rawValue)" }
  static func effective(_ device: DefaultDevice) -> String { "default.audio.\(device.rawValue)" }

  /// Whether a node's metadata of that name says where it plays.
  static func isTarget(_ key: String) -> Bool { key == targetObject || key == targetNode }
  static let targetObject = "target.object"
  static let targetNode = "target.node"

  static func encode(_ name: String) -> String {
    var text = "{\"name\":\""
    for scalar in name.unicodeScalars {
      switch scalar {
      case "\"", "\\":
        text += "\\"
        text.unicodeScalars.append(scalar)
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text + "\"}"
  }

  /// Nil when the value names nothing. Metadata is anybody's to write.
  static func decode(_ json: String) -> String? {
    guard let key = json.firstRange(of: "\"name\"") else { return nil }
    var rest = json.unicodeScalars[key.upperBound...].drop { $0.properties.isWhitespace || $0 == ":" }
    guard rest.popFirst() == "\"" else { return nil }
    var name = String.UnicodeScalarView()
    while let scalar = rest.popFirst() {
      if scalar == "\"" { return name.isEmpty ? nil : String(name) }
      guard scalar == "\\" else {
        name.append(scalar)
        continue
      }
      guard let plain = escaped(&rest) else { return nil }
      name.append(plain)
    }
    return nil
  }

  private static func escaped(_ rest: inout Substring.UnicodeScalarView) -> Unicode.Scalar? {
    switch rest.popFirst() {
    case "n": return "\n"
    case "t": return "\t"
    case "r": return "\r"
    case "b": return "\u{8}"
    case "f": return "\u{c}"
    case "u":
      let digits = String(String.UnicodeScalarView(rest.prefix(4)))
      rest = rest.dropFirst(4)
      return digits.utf8.count == 4 ? UInt32(digits, radix: 16).flatMap(Unicode.Scalar.init) : nil
    case let other: return other
    }
  }
}
