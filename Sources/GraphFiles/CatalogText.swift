import AudioCore
public import Control
public import Mixer

/// The catalog for people and programs.
public enum CatalogText {
  public static func json(_ catalog: NodeCatalog) -> JSON {
    .array(catalog.kinds.map { json($0, catalog) })
  }

  private static func json(_ kind: NodeDescriptor, _ catalog: NodeCatalog) -> JSON {
    let settings = kind.settings.map { spec -> JSON in
      var object: JSONObject = [
        "name": .string(spec.name), "summary": .string(spec.summary), "is": .string(spec.wanted),
      ]
      if spec.unit != .none { object["unit"] = .string(spec.unit.rawValue) }
      object["default"] = spec.initial.map { json($0) } ?? nil
      return .object(object)
    }
    let parameters = kind.parameters.map { spec -> JSON in
      var object: JSONObject = [
        "name": .string(spec.pattern), "summary": .string(spec.summary),
        "kind": .string(spec.kind.rawValue), "default": .number(spec.initial),
      ]
      if spec.unit != .none { object["unit"] = .string(spec.unit.rawValue) }
      object["range"] = .array([.number(spec.range.lowerBound), .number(spec.range.upperBound)])
      object["smoothing_ms"] = .number(spec.smoothing.milliseconds)
      return .object(object)
    }
    let readings = kind.readings.map { spec -> JSON in
      [
        "name": .string(spec.perChannel ? "\(spec.name).N" : spec.name), "summary": .string(spec.summary),
        "unit": .string(spec.unit.rawValue),
      ]
    }
    var object: JSONObject = ["kind": .string(kind.kind), "summary": .string(kind.summary)]
    // A kind with settings that must be given has ports only then.
    if let shape = try? catalog.shape(of: GraphNode(id: NodeID(1), name: kind.kind, kind: kind.kind)) {
      object["inputs"] = .array(shape.inputs.map { .string($0.name) })
      object["outputs"] = .array(shape.outputs.map { .string($0.name) })
    }
    object["settings"] = .array(settings)
    object["parameters"] = .array(parameters)
    object["readings"] = .array(readings)
    return .object(object)
  }

  private static func json(_ value: SettingValue) -> JSON {
    switch value {
    case .integer(let value): JSON(value)
    case .number(let value): .number(value)
    case .text(let value): .string(value)
    case .toggle(let value): .bool(value)
    case .numbers(let list): .array(list.map { .number($0) })
    }
  }

  /// One paragraph a kind.
  public static func lines(_ catalog: NodeCatalog) -> [String] {
    catalog.kinds.flatMap { kind -> [String] in
      var lines = ["\(kind.kind): \(kind.summary)"]
      for spec in kind.settings {
        let otherwise = spec.initial.map { "; else \(json($0).stringValue ?? json($0).text)" } ?? "; needed"
        lines.append("  \(spec.name): \(spec.summary): \(spec.wanted)\(otherwise)")
      }
      for spec in kind.parameters {
        let unit = spec.unit == .none ? "" : " \(spec.unit.rawValue)"
        let range = spec.kind == .toggle ? "0 or 1" : "\(spec.range.lowerBound) to \(spec.range.upperBound)\(unit)"
        lines.append("  \(spec.pattern)*: \(spec.summary): \(range); else \(spec.initial)")
      }
      for spec in kind.readings {
        lines.append("  reads \(spec.name)\(spec.perChannel ? ".N" : ""): \(spec.summary) (\(spec.unit.rawValue))")
      }
      return lines + [""]
    } + ["* may be changed while it runs without a new processor"]
  }
}
