import CToml

/// Where something stands in a text, counted from 1; zero when unknown.
public struct TextPlace: Sendable, Equatable {
  public var line: Int
  public var column: Int

  public init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }

  init(_ place: ctoml_place) {
    self.init(line: Int(place.line), column: Int(place.column))
  }
}

public struct TomlProblem: Error {
  public var message: String
  public var place: TextPlace
}

/// A parsed TOML text; owns the parser's tree. The bounds on nesting are the parser's side of the boundary.
@safe public final class TomlDocument {
  fileprivate let tree: OpaquePointer

  /// The bytes must be UTF-8.
  public init(parsing bytes: [UInt8]) throws(TomlProblem) {
    var error = ctoml_error()
    let parsed = unsafe bytes.withUnsafeBytes { buffer in
      unsafe ctoml_parse(buffer.baseAddress?.assumingMemoryBound(to: CChar.self), buffer.count, &error)
    }
    guard let tree = unsafe parsed else {
      let message = unsafe withUnsafeBytes(of: error.message) { buffer in
        unsafe String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
      }
      throw TomlProblem(message: message, place: TextPlace(error.place))
    }
    unsafe self.tree = tree
  }

  deinit { unsafe ctoml_free(tree) }

  public var root: TomlNode { TomlNode(document: self, index: 0) }
}

/// One value of a document.
public struct TomlNode {
  let document: TomlDocument
  let index: UInt32

  public enum Value {
    case table([TomlNode])
    case array([TomlNode])
    case text(String)
    case integer(Int)
    case number(Double)
    case flag(Bool)
    case time

    /// With its article, for messages.
    public var typeName: String {
      switch self {
      case .table: "a table"
      case .array: "an array"
      case .text: "a string"
      case .integer: "an integer"
      case .number: "a float"
      case .flag: "a boolean"
      case .time: "a date or time"
      }
    }
  }

  public var value: Value {
    switch unsafe Int(ctoml_type(document.tree, index)) {
    case CTOML_TABLE: .table(children)
    case CTOML_ARRAY: .array(children)
    case CTOML_STRING: unsafe .text(string(ctoml_string(document.tree, index)))
    case CTOML_INTEGER: unsafe .integer(Int(ctoml_integer(document.tree, index)))
    case CTOML_FLOAT: unsafe .number(ctoml_float(document.tree, index))
    case CTOML_BOOLEAN: unsafe .flag(ctoml_boolean(document.tree, index))
    default: .time
    }
  }

  /// The value's name in its table; empty in an array.
  public var key: String { unsafe string(ctoml_key(document.tree, index)) }
  public var keyPlace: TextPlace { unsafe TextPlace(ctoml_key_place(document.tree, index)) }
  public var place: TextPlace { unsafe TextPlace(ctoml_value_place(document.tree, index)) }

  private var children: [TomlNode] {
    let first = unsafe ctoml_first_child(document.tree, index)
    let count = unsafe ctoml_child_count(document.tree, index)
    return (first..<first + count).map { TomlNode(document: document, index: $0) }
  }

  private func string(_ text: ctoml_text) -> String {
    let bytes = unsafe UnsafeRawBufferPointer(start: text.bytes, count: text.count)
    return unsafe String(decoding: bytes, as: UTF8.self)
  }
}
