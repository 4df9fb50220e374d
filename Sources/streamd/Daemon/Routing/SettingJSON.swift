import Control
import Settings

extension SettingValue {
  var json: JSON {
    switch self {
    case .flag(let flag): JSON.bool(flag)
    case .integer(let integer): JSON(integer)
    case .number(let number): JSON(number)
    case .text(let text): .string(text)
    }
  }

  /// Nil for what no setting is.
  init?(_ json: JSON) {
    switch json {
    case .bool(let flag): self = .flag(flag)
    case .int: if let value = json.intValue { self = .integer(value) } else { return nil }
    case .number(let number): self = .number(number)
    case .string(let text): self = .text(text)
    case .null, .array, .object: return nil
    }
  }
}
