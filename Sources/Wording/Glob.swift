/// A pattern for names: `*` is any text, `?` any one character, all else itself; upper and lower case are the same.
public struct Glob: Sendable, Hashable, CustomStringConvertible {
  public static let longest = 256

  /// As it was written.
  public let text: String
  private let pattern: [Unicode.Scalar]

  /// Nil when it is empty or longer than `longest` bytes.
  public init?(_ text: String) {
    guard (1...Self.longest).contains(text.utf8.count) else { return nil }
    self.text = text
    pattern = Array(text.lowercased().unicodeScalars)
  }

  public var description: String { text }

  /// Whether it stands for one name only.
  public var isPlain: Bool { !pattern.contains("*") && !pattern.contains("?") }

  /// Takes at most the product of both lengths: only the last star is ever gone back to.
  public func matches(_ name: String) -> Bool {
    let name = Array(name.lowercased().unicodeScalars)
    var (at, position) = (0, 0)
    var star: (pattern: Int, name: Int)?
    while position < name.count {
      if at < pattern.count, pattern[at] == "*" {
        star = (at, position)
        at += 1
      } else if at < pattern.count, pattern[at] == "?" || pattern[at] == name[position] {
        at += 1
        position += 1
      } else if let last = star {
        star = (last.pattern, last.name + 1)
        (at, position) = (last.pattern + 1, last.name + 1)
      } else {
        return false
      }
    }
    return pattern[at...].allSatisfy { $0 == "*" }
  }

  public static func == (a: Self, b: Self) -> Bool { a.pattern == b.pattern }
  public func hash(into hasher: inout Hasher) { hasher.combine(pattern) }
}
