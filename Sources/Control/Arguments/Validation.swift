import Wording

/// Checking arguments against their specs. Verbs run only on arguments that passed, so they hold no range code.
extension VerbParameter.Kind {
  /// The value in its normal form: defaults filled in, older names replaced.
  func validated(_ value: JSON, at path: String) throws(ControlError) -> JSON {
    switch self {
    case .string: return try Self.checkedText(value, maximumBytes: 4096, at: path)
    case .text(let maximum): return try Self.checkedText(value, maximumBytes: maximum, at: path)
    case .integer(let range):
      guard let number = value.intValue else { throw .wrongType(value, wanted: "an integer", at: path) }
      guard range.contains(number) else {
        throw .badArgument("\(number) is outside \(range.lowerBound) to \(range.upperBound)", at: path)
      }
      return JSON(number)
    case .number(let range):
      guard let number = value.doubleValue else { throw .wrongType(value, wanted: "a number", at: path) }
      guard range.contains(number) else {
        throw .badArgument("\(number) is outside \(range.lowerBound) to \(range.upperBound)", at: path)
      }
      return JSON(number)
    case .boolean:
      guard value.boolValue != nil else { throw .wrongType(value, wanted: "a boolean", at: path) }
      return value
    case .choice(let names):
      guard let name = value.stringValue else { throw .wrongType(value, wanted: "a string", at: path) }
      guard names.contains(name) else {
        throw .badArgument(
          "not one of \(names.joined(separator: ", "))", at: path, hint: nearestName(to: name, among: names))
      }
      return value
    case .object(let parameters):
      guard let members = value.objectValue else { throw .wrongType(value, wanted: "an object", at: path) }
      return .object(try parameters.validated(members, at: path))
    case .array(let element, let maximum):
      guard let values = value.arrayValue else { throw .wrongType(value, wanted: "an array", at: path) }
      guard values.count <= maximum else { throw .badArgument("more than \(maximum) elements", at: path) }
      var checked: [JSON] = []
      for (place, value) in values.enumerated() {
        checked.append(try element.validated(value, at: "\(path)[\(place)]"))
      }
      return .array(checked)
    case .any: return value
    }
  }

  private static func checkedText(_ value: JSON, maximumBytes: Int, at path: String) throws(ControlError) -> JSON {
    guard let text = value.stringValue else { throw .wrongType(value, wanted: "a string", at: path) }
    guard text.utf8.count <= maximumBytes else { throw .badArgument("longer than \(maximumBytes) bytes", at: path) }
    return value
  }
}

extension [VerbParameter] {
  /// Null for an optional argument counts as not given, because many clients write it so.
  public func validated(_ members: JSONObject, at path: String = "") throws(ControlError) -> JSONObject {
    var checked = JSONObject()
    for (name, value) in members {
      guard let parameter = first(where: { $0.name == name || $0.alias == name }) else {
        throw .unknownArgument(name, known: map(\.name), at: path)
      }
      if value.isNull, !parameter.isRequired { continue }
      guard checked[parameter.name] == nil else {
        throw .badArgument("given twice", at: argumentPath(path, name))
      }
      checked[parameter.name] = try parameter.kind.validated(value, at: argumentPath(path, name))
    }
    for parameter in self where checked[parameter.name] == nil {
      guard !parameter.isRequired else { throw .missingArgument(parameter, at: path) }
      checked[parameter.name] = parameter.defaultValue
    }
    return checked
  }
}

func argumentPath(_ base: String, _ name: String) -> String { base.isEmpty ? name : "\(base).\(name)" }

extension ControlError {
  static func badArgument(_ message: String, at path: String, hint: String? = nil) -> ControlError {
    ControlError(.badArgs, "\(path): \(message)", path: path, hint: hint)
  }

  static func wrongType(_ value: JSON, wanted: String, at path: String) -> ControlError {
    badArgument("wanted \(wanted), not \(value.kindName)", at: path)
  }

  static func unknownArgument(_ name: String, known: [String], at path: String) -> ControlError {
    let shown = String(name.prefix(64))
    return badArgument(
      known.isEmpty ? "takes no arguments" : "unknown; known are \(known.joined(separator: ", "))",
      at: argumentPath(path, shown), hint: nearestName(to: name, among: known))
  }

  static func missingArgument(_ parameter: VerbParameter, at path: String) -> ControlError {
    badArgument("missing", at: argumentPath(path, parameter.name), hint: parameter.doc)
  }
}
