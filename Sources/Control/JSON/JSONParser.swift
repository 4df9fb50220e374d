/// What hostile text may cost at most.
public struct JSONLimits: Sendable {
  /// Arrays and objects inside each other.
  public var depth: Int
  /// Values in the whole text, containers included.
  public var values: Int

  public init(depth: Int = 32, values: Int = 100_000) {
    self.depth = depth
    self.values = values
  }
}

/// Why a text is no JSON, and at which byte.
public struct JSONParseError: Error, Sendable, Equatable, CustomStringConvertible {
  public let reason: String
  public let offset: Int
  public var description: String { "\(reason) at byte \(offset)" }
}

extension JSON {
  /// Reads one value, with nothing but white space around it. Strict RFC 8259: no comments, no trailing commas, no
  /// invalid UTF-8, no lone surrogates.
  public static func parse(_ bytes: ArraySlice<UInt8>, limits: JSONLimits = JSONLimits()) throws(JSONParseError) -> JSON
  {
    var parser = JSONParser(bytes: bytes, limits: limits)
    return try parser.parse()
  }

  public static func parse(_ bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONParseError) -> JSON {
    try parse(bytes[...], limits: limits)
  }

  public static func parse(_ text: String, limits: JSONLimits = JSONLimits()) throws(JSONParseError) -> JSON {
    try parse(Array(text.utf8)[...], limits: limits)
  }
}

/// One pass over the bytes; recursion is bounded by the depth limit.
struct JSONParser {
  private let bytes: ArraySlice<UInt8>
  private let limits: JSONLimits
  private var position: Int
  private var values = 0

  init(bytes: ArraySlice<UInt8>, limits: JSONLimits) {
    self.bytes = bytes
    self.limits = limits
    position = bytes.startIndex
  }

  mutating func parse() throws(JSONParseError) -> JSON {
    skipSpace()
    let value = try parseValue(depth: 0)
    skipSpace()
    guard position == bytes.endIndex else { throw failure("text after the value") }
    return value
  }

  private func failure(_ reason: String, at place: Int? = nil) -> JSONParseError {
    JSONParseError(reason: reason, offset: (place ?? position) - bytes.startIndex)
  }

  /// Zero stands for the end; a raw zero byte is an error everywhere it could be met.
  private var current: UInt8 { position < bytes.endIndex ? bytes[position] : 0 }

  private var unexpected: JSONParseError {
    failure(position < bytes.endIndex ? "unexpected byte" : "unexpected end")
  }

  private mutating func skipSpace() {
    while position < bytes.endIndex {
      switch bytes[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      default: return
      }
    }
  }

  private mutating func parseValue(depth: Int) throws(JSONParseError) -> JSON {
    values += 1
    guard values <= limits.values else { throw failure("more than \(limits.values) values") }
    switch current {
    case UInt8(ascii: "{"): return try parseObject(depth: depth + 1)
    case UInt8(ascii: "["): return try parseArray(depth: depth + 1)
    case UInt8(ascii: "\""): return .string(try parseString())
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try parseNumber()
    case UInt8(ascii: "t"): return try parseWord("true", .bool(true))
    case UInt8(ascii: "f"): return try parseWord("false", .bool(false))
    case UInt8(ascii: "n"): return try parseWord("null", .null)
    default: throw unexpected
    }
  }

  private mutating func parseWord(_ word: StaticString, _ value: JSON) throws(JSONParseError) -> JSON {
    for byte in word.description.utf8 {
      guard current == byte else { throw unexpected }
      position += 1
    }
    return value
  }

  private mutating func parseArray(depth: Int) throws(JSONParseError) -> JSON {
    guard depth <= limits.depth else { throw failure("nested deeper than \(limits.depth)") }
    position += 1
    skipSpace()
    var elements: [JSON] = []
    if current == UInt8(ascii: "]") {
      position += 1
      return .array(elements)
    }
    while true {
      elements.append(try parseValue(depth: depth))
      skipSpace()
      switch current {
      case UInt8(ascii: ","):
        position += 1
        skipSpace()
      case UInt8(ascii: "]"):
        position += 1
        return .array(elements)
      default: throw unexpected
      }
    }
  }

  private mutating func parseObject(depth: Int) throws(JSONParseError) -> JSON {
    guard depth <= limits.depth else { throw failure("nested deeper than \(limits.depth)") }
    position += 1
    skipSpace()
    var members = JSONObject()
    if current == UInt8(ascii: "}") {
      position += 1
      return .object(members)
    }
    while true {
      guard current == UInt8(ascii: "\"") else { throw unexpected }
      let key = try parseString()
      skipSpace()
      guard current == UInt8(ascii: ":") else { throw unexpected }
      position += 1
      skipSpace()
      members[key] = try parseValue(depth: depth)
      skipSpace()
      switch current {
      case UInt8(ascii: ","):
        position += 1
        skipSpace()
      case UInt8(ascii: "}"):
        position += 1
        return .object(members)
      default: throw unexpected
      }
    }
  }

  private mutating func parseNumber() throws(JSONParseError) -> JSON {
    let start = position
    var isInteger = true
    if current == UInt8(ascii: "-") { position += 1 }
    if current == UInt8(ascii: "0") { position += 1 } else { try skipDigits() }
    if current == UInt8(ascii: ".") {
      isInteger = false
      position += 1
      try skipDigits()
    }
    if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
      isInteger = false
      position += 1
      if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
      try skipDigits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isInteger, let value = Int64(text), value != 0 || text == "0" { return .int(value) }
    guard let value = Double(text), value.isFinite else { throw failure("number out of range", at: start) }
    return .number(value)
  }

  private mutating func skipDigits() throws(JSONParseError) {
    guard isDigit(current) else { throw unexpected }
    while isDigit(current) { position += 1 }
  }

  private func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

  private mutating func parseString() throws(JSONParseError) -> String {
    let start = position
    position += 1
    var plain = position
    var unescaped: [UInt8] = []
    while position < bytes.endIndex {
      let byte = bytes[position]
      switch byte {
      case UInt8(ascii: "\""):
        let tail = bytes[plain..<position]
        position += 1
        let text =
          unescaped.isEmpty
          ? String(validating: tail, as: UTF8.self) : String(validating: unescaped + tail, as: UTF8.self)
        guard let text else { throw failure("invalid UTF-8 in a string", at: start) }
        return text
      case UInt8(ascii: "\\"):
        unescaped.append(contentsOf: bytes[plain..<position])
        try parseEscape(into: &unescaped)
        plain = position
      case 0..<0x20: throw failure("control character in a string")
      default: position += 1
      }
    }
    throw failure("unexpected end")
  }

  private mutating func parseEscape(into text: inout [UInt8]) throws(JSONParseError) {
    let start = position
    position += 1
    let letter = current
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(letter)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      position += 1
      text.append(contentsOf: String(try parseUnicodeEscape(from: start)).utf8)
      return
    default: throw failure("unknown escape", at: start)
    }
    position += 1
  }

  /// After `\u`: four digits, or a surrogate pair written as two escapes.
  private mutating func parseUnicodeEscape(from start: Int) throws(JSONParseError) -> Character {
    let high = try parseHex()
    if let scalar = Unicode.Scalar(high) { return Character(scalar) }
    guard (0xD800..<0xDC00).contains(high), current == UInt8(ascii: "\\") else {
      throw failure("lone surrogate", at: start)
    }
    position += 1
    guard current == UInt8(ascii: "u") else { throw failure("lone surrogate", at: start) }
    position += 1
    let low = try parseHex()
    guard (0xDC00..<0xE000).contains(low),
      let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
    else { throw failure("lone surrogate", at: start) }
    return Character(scalar)
  }

  private mutating func parseHex() throws(JSONParseError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = Character(Unicode.Scalar(current)).hexDigitValue else { throw unexpected }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }
}
