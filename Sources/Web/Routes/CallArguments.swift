import Control

/// The arguments of an operation as a request over HTTP has them. What they must be, the operation's own table says.
enum CallArguments {
  /// From a query: each value as what its parameter wants, so that `?level=3` is a number where one is wanted.
  static func ofQuery(
    _ query: [(name: String, value: String)], for verb: VerbDescriptor
  ) throws(ControlError) -> JSONObject {
    var arguments = JSONObject()
    for (name, value) in query {
      guard arguments[name] == nil else { throw ControlError(.badArgs, "given twice", path: name) }
      let parameter = verb.parameters.first { $0.name == name || $0.alias == name }
      arguments[name] = read(value, as: parameter?.kind ?? .string)
    }
    return try checked(arguments, for: verb)
  }

  static func ofBody(_ body: [UInt8], for verb: VerbDescriptor) throws(ControlError) -> JSONObject {
    guard body.contains(where: { $0 != 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 }) else { return [:] }
    let json: JSON
    do throws(JSONParseError) { json = try JSON.parse(body) } catch {
      throw ControlError(.parse, "not JSON: \(error)")
    }
    guard let members = json.objectValue else {
      throw ControlError(.parse, "the body is an object of arguments")
    }
    return try checked(members, for: verb)
  }

  /// An operation's whole body is one argument of it.
  static func wrapping(_ body: [UInt8], as name: String) throws(ControlError) -> JSONObject {
    do throws(JSONParseError) { return [name: try JSON.parse(body)] } catch {
      throw ControlError(.parse, "not JSON: \(error)")
    }
  }

  /// A request has no connection that anything could last as long as.
  private static func checked(_ arguments: JSONObject, for verb: VerbDescriptor) throws(ControlError) -> JSONObject {
    if arguments["while_connected"] == true {
      throw ControlError(
        .badArgs, "a request over HTTP ends at once", path: "while_connected", hint: "use the control socket")
    }
    return arguments
  }

  static func read(_ text: String, as kind: VerbParameter.Kind) -> JSON {
    switch kind {
    case .string, .text, .choice: return .string(text)
    case .integer: return Int64(text).map { .int($0) } ?? .string(text)
    case .number:
      if let whole = Int64(text) { return .int(whole) }
      guard let number = Double(text), number.isFinite else { return .string(text) }
      return .number(number)
    case .boolean: return text == "true" ? true : text == "false" ? false : .string(text)
    case .array(let element, _):
      if text.hasPrefix("["), let json = try? JSON.parse(Array(text.utf8)) { return json }
      return .array(text.split(separator: ",").map { read(String($0), as: element) })
    case .object, .any: return (try? JSON.parse(Array(text.utf8))) ?? .string(text)
    }
  }
}
