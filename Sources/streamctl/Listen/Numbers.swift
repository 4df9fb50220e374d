import AudioCore
import Glibc

/// A number with a fixed count of decimals, without a locale.
func fixed(_ value: Double, _ decimals: Int) -> String {
  guard value.isFinite, abs(value) < 1e15 else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
  let scale = (0..<decimals).reduce(1) { whole, _ in whole * 10 }
  let scaled = Int64((abs(value) * Double(scale)).rounded())
  let sign = value < 0 && scaled != 0 ? "-" : ""
  guard decimals > 0 else { return "\(sign)\(scaled)" }
  let rest = String(scaled % Int64(scale))
  return "\(sign)\(scaled / Int64(scale))." + String(repeating: "0", count: decimals - rest.count) + rest
}

func padded(_ text: String, _ width: Int) -> String {
  String(repeating: " ", count: max(width - text.count, 0)) + text
}

extension String {
  /// At least so many characters, with spaces behind.
  func padded(to count: Int) -> String { self + String(repeating: " ", count: max(0, count - self.count)) }
}

/// One flat or nested JSON object, keys in the order they are added.
struct JSONFields {
  private(set) var parts: [String] = []

  mutating func add(_ key: String, raw: String) { parts.append("\"\(key)\":\(raw)") }
  mutating func add(_ key: String, _ value: UInt64) { add(key, raw: String(value)) }
  mutating func add(_ key: String, _ value: Int) { add(key, raw: String(value)) }
  mutating func add(_ key: String, _ value: Bool) { add(key, raw: value ? "true" : "false") }
  /// Absent values are null: JSON has no other word for them.
  mutating func add(_ key: String, _ value: Double?, _ decimals: Int = 3) {
    add(key, raw: value.map { $0.isFinite ? fixed($0, decimals) : "null" } ?? "null")
  }
  mutating func add(_ key: String, _ text: String) { add(key, raw: Self.quoted(text)) }
  mutating func add(_ key: String, _ list: [String]) {
    add(key, raw: "[" + list.joined(separator: ",") + "]")
  }

  var text: String { "{" + parts.joined(separator: ",") + "}" }

  static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\u{0}"..<" ": out += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }
}
