/// A part of a configuration that is more than keys with values, wherever it was written: TOML, or another text of the same
/// form.
public struct SettingTree: Sendable, Equatable {
  public enum Value: Sendable, Equatable {
    case table([Entry])
    case array([SettingTree])
    case text(String)
    case integer(Int)
    case number(Double)
    case flag(Bool)
    /// Nothing, as JSON has it.
    case nothing
    /// A date or time, which nothing here wants.
    case time

    /// With its article, for messages.
    var typeName: String {
      switch self {
      case .table: "a table"
      case .array: "an array"
      case .text: "a string"
      case .integer: "an integer"
      case .number: "a number"
      case .flag: "a boolean"
      case .nothing: "nothing"
      case .time: "a date or time"
      }
    }
  }

  public struct Entry: Sendable, Equatable {
    public var key: String
    public var tree: SettingTree

    public init(_ key: String, _ tree: SettingTree) {
      self.key = key
      self.tree = tree
    }
  }

  public var value: Value
  public var origin: SettingOrigin

  public init(_ value: Value, origin: SettingOrigin = SettingOrigin(file: "", line: 0, column: 0)) {
    self.value = value
    self.origin = origin
  }

  init(_ node: TomlNode, file: String) {
    let place = node.place
    origin = SettingOrigin(file: file, line: place.line, column: place.column)
    value =
      switch node.value {
      case .table(let entries): .table(entries.map { Entry($0.key, SettingTree($0, file: file)) })
      case .array(let items): .array(items.map { SettingTree($0, file: file) })
      case .text(let text): .text(text)
      case .integer(let integer): .integer(integer)
      case .number(let number): .number(number)
      case .flag(let flag): .flag(flag)
      case .time: .time
      }
  }
}
