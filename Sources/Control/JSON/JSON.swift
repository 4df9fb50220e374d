/// A JSON value. Integers that fit 64 bits stay integers, so ids and counters survive a round trip.
/// `.int(5)` and `.number(5)` are different values; readers that accept both go through `doubleValue`.
public enum JSON: Sendable, Equatable {
  case null
  case bool(Bool)
  case int(Int64)
  case number(Double)
  case string(String)
  case array([JSON])
  case object(JSONObject)
}

extension JSON {
  /// Integers beyond 64 signed bits become the nearest double.
  public init(_ value: some BinaryInteger) {
    if let exact = Int64(exactly: value) { self = .int(exact) } else { self = .number(Double(value)) }
  }

  public init(_ value: Double) { self = .number(value) }
  public init(_ value: Bool) { self = .bool(value) }
  public init(_ value: String) { self = .string(value) }
  public init(_ value: JSONObject) { self = .object(value) }
  public init(_ values: some Sequence<JSON>) { self = .array(Array(values)) }
  public init(_ values: some Sequence<String>) { self = .array(values.map(JSON.string)) }

  public var isNull: Bool { self == .null }

  public var boolValue: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }

  /// Also reads numbers such as 5.0: JSON has one number type, and some writers print every number with a point.
  public var intValue: Int? {
    switch self {
    case .int(let value): Int(exactly: value)
    case .number(let value): Swift.abs(value) <= 9_007_199_254_740_992 ? Int(exactly: value) : nil
    default: nil
    }
  }

  public var doubleValue: Double? {
    switch self {
    case .int(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  public var stringValue: String? {
    if case .string(let value) = self { value } else { nil }
  }

  public var arrayValue: [JSON]? {
    if case .array(let value) = self { value } else { nil }
  }

  public var objectValue: JSONObject? {
    if case .object(let value) = self { value } else { nil }
  }

  public subscript(key: String) -> JSON? { objectValue?[key] }

  public subscript(index: Int) -> JSON? {
    guard case .array(let values) = self, values.indices.contains(index) else { return nil }
    return values[index]
  }

  /// What a person calls this value in an error message.
  var kindName: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .int: "an integer"
    case .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

extension JSON: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral
{
  public init(nilLiteral: ()) { self = .null }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(integerLiteral value: Int64) { self = .int(value) }
  public init(floatLiteral value: Double) { self = .number(value) }
  public init(stringLiteral value: String) { self = .string(value) }
  public init(arrayLiteral elements: JSON...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSON)...) { self = .object(JSONObject(elements)) }
}
