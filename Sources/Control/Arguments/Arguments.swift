/// The arguments of one call, read by name and type. Those that reach a verb passed its parameter specs already; the
/// same reader checks any other JSON object when given shapes with bounds.
public struct Arguments: Sendable {
  public let object: JSONObject
  /// How the caller wrote the request; replies and events follow it.
  public let form: RequestForm
  private let path: String

  public init(_ object: JSONObject, path: String = "", form: RequestForm = .canonical) {
    self.object = object
    self.path = path
    self.form = form
  }

  public func required<Value>(_ name: String, as shape: ArgumentShape<Value>) throws(ControlError) -> Value {
    guard let value = try optional(name, as: shape) else {
      throw .badArgument("missing", at: argumentPath(path, name))
    }
    return value
  }

  /// Nil when absent or null.
  public func optional<Value>(_ name: String, as shape: ArgumentShape<Value>) throws(ControlError) -> Value? {
    guard let value = object[name], !value.isNull else { return nil }
    return try shape.read(value, argumentPath(path, name))
  }

  /// For objects without a parameter spec: any other name is an error that says the nearest known one.
  public func refuseUnknown(besides known: [String]) throws(ControlError) {
    for name in object.keys where !known.contains(name) {
      throw .unknownArgument(name, known: known, at: path)
    }
  }
}

/// How to read one argument: `try arguments.required("port", as: .integer(in: 1...65535))`.
public struct ArgumentShape<Value>: Sendable {
  let read: @Sendable (_ value: JSON, _ path: String) throws(ControlError) -> Value

  init(_ read: @escaping @Sendable (_ value: JSON, _ path: String) throws(ControlError) -> Value) { self.read = read }

  init(_ kind: VerbParameter.Kind, _ convert: @escaping @Sendable (JSON) -> Value?) {
    self.init { value, path throws(ControlError) in
      guard let converted = convert(try kind.validated(value, at: path)) else {
        throw .badArgument("cannot be read", at: path)
      }
      return converted
    }
  }
}

extension ArgumentShape where Value == Int {
  public static var integer: Self { integer(in: Int.min...Int.max) }
  public static func integer(in range: ClosedRange<Int>) -> Self { Self(.integer(range), \.intValue) }
}

extension ArgumentShape where Value == Double {
  public static var number: Self { number(in: -.infinity ... .infinity) }
  public static func number(in range: ClosedRange<Double>) -> Self { Self(.number(range), \.doubleValue) }
}

extension ArgumentShape where Value == String {
  /// Any length: a line is bounded already.
  public static var string: Self { string(maximumBytes: .max) }
  public static func string(maximumBytes: Int) -> Self { Self(.text(maximumBytes: maximumBytes), \.stringValue) }
  public static func choice(of names: [String]) -> Self { Self(.choice(names), \.stringValue) }
}

extension ArgumentShape where Value == Bool {
  public static var boolean: Self { Self(.boolean, \.boolValue) }
}

extension ArgumentShape where Value == JSON {
  public static var any: Self { Self(.any, { $0 }) }
}

extension ArgumentShape where Value == Arguments {
  /// A nested object; its errors carry the whole path.
  public static var object: Self {
    Self { value, path throws(ControlError) in
      guard let members = value.objectValue else { throw .wrongType(value, wanted: "an object", at: path) }
      return Arguments(members, path: path)
    }
  }
}

extension ArgumentShape where Value: CaseIterable & RawRepresentable & SendableMetatype, Value.RawValue == String {
  /// One of an enumeration's names.
  public static var choice: Self {
    Self(.choice(Value.allCases.map(\.rawValue)), { $0.stringValue.flatMap(Value.init(rawValue:)) })
  }
}

extension ArgumentShape {
  public static func array<Element>(of element: ArgumentShape<Element>, maximumCount: Int = 1024) -> Self
  where Value == [Element] {
    Self { value, path throws(ControlError) in
      guard let values = value.arrayValue else { throw .wrongType(value, wanted: "an array", at: path) }
      guard values.count <= maximumCount else { throw .badArgument("more than \(maximumCount) elements", at: path) }
      var elements: [Element] = []
      for (place, value) in values.enumerated() {
        elements.append(try element.read(value, "\(path)[\(place)]"))
      }
      return elements
    }
  }
}
