/// One named argument of a verb: validation, `describe` and the documentation are all made from it.
public struct VerbParameter: Sendable {
  public enum Kind: Sendable {
    /// Up to 4096 bytes.
    case string
    case text(maximumBytes: Int)
    case integer(ClosedRange<Int>)
    case number(ClosedRange<Double>)
    case boolean
    case choice([String])
    case object([VerbParameter])
    indirect case array(of: Kind, maximumCount: Int)
    case any
  }

  public let name: String
  public let kind: Kind
  public let isRequired: Bool
  public let defaultValue: JSON?
  /// `ms`, `dBFS`, `Hz`, `frames` and the like.
  public let unit: String?
  public let doc: String
  /// An older name still understood.
  public let alias: String?

  public static func required(
    _ name: String, _ kind: Kind, unit: String? = nil, alias: String? = nil, _ doc: String
  ) -> VerbParameter {
    VerbParameter(
      name: name, kind: kind, isRequired: true, defaultValue: nil, unit: unit, doc: doc, alias: alias)
  }

  public static func optional(
    _ name: String, _ kind: Kind, default defaultValue: JSON? = nil, unit: String? = nil, alias: String? = nil,
    _ doc: String
  ) -> VerbParameter {
    VerbParameter(
      name: name, kind: kind, isRequired: false, defaultValue: defaultValue, unit: unit, doc: doc, alias: alias)
  }
}

extension VerbParameter.Kind {
  /// As JSON Schema.
  public var schema: JSONObject {
    switch self {
    case .string: return ["type": "string", "maxLength": 4096]
    case .text(let maximum): return ["type": "string", "maxLength": JSON(maximum)]
    case .integer(let range):
      return ["type": "integer", "minimum": JSON(range.lowerBound), "maximum": JSON(range.upperBound)]
    case .number(let range):
      var schema: JSONObject = ["type": "number"]
      if range.lowerBound.isFinite { schema["minimum"] = JSON(range.lowerBound) }
      if range.upperBound.isFinite { schema["maximum"] = JSON(range.upperBound) }
      return schema
    case .boolean: return ["type": "boolean"]
    case .choice(let names): return ["type": "string", "enum": JSON(names)]
    case .object(let parameters): return parameters.schema
    case .array(let element, let maximum):
      return ["type": "array", "items": .object(element.schema), "maxItems": JSON(maximum)]
    case .any: return [:]
    }
  }
}

extension [VerbParameter] {
  /// As JSON Schema of one object.
  public var schema: JSONObject {
    var properties = JSONObject()
    for parameter in self {
      var schema = parameter.kind.schema
      schema["description"] = .string(parameter.doc)
      if let unit = parameter.unit { schema["unit"] = .string(unit) }
      if let value = parameter.defaultValue { schema["default"] = value }
      properties[parameter.name] = .object(schema)
    }
    var schema: JSONObject = ["type": "object", "properties": .object(properties), "additionalProperties": false]
    let required = filter(\.isRequired).map(\.name)
    if !required.isEmpty { schema["required"] = JSON(required) }
    return schema
  }
}
