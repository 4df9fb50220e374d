/// One thing wrong with the configuration, with the place to look at.
public struct SettingsError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Stable; part of the interface.
  public enum Code: String, Sendable, CaseIterable {
    case fileMissing = "file_missing"
    case unreadable
    case tooLarge = "too_large"
    case notUTF8 = "not_utf8"
    case syntax
    case unknownKey = "unknown_key"
    case wrongType = "wrong_type"
    case outOfRange = "out_of_range"
    case notAChoice = "not_a_choice"
    case badValue = "bad_value"
    case missingKey = "missing_key"
    case duplicateName = "duplicate_name"
    case tooMany = "too_many"
    case unsupportedVersion = "unsupported_version"
    /// A file that another one builds upon is not there.
    case notFound = "not_found"
    /// Files that build upon each other.
    case cycle
  }

  public var code: Code
  public var file: String
  /// From 1; 0 when the whole file is meant.
  public var line: Int
  public var column: Int
  /// The dotted name of the key.
  public var key: String?
  public var message: String
  /// What was probably meant, ready to be written instead.
  public var hint: String?

  public init(
    code: Code, file: String, line: Int = 0, column: Int = 0, key: String? = nil, message: String, hint: String? = nil
  ) {
    self.code = code
    self.file = file
    self.line = line
    self.column = column
    self.key = key
    self.message = message
    self.hint = hint
  }

  /// `file:line:column: message (did you mean …?)`, always one line.
  public var description: String {
    let place = line > 0 ? ":\(line):\(column)" : ""
    let guess = hint.map { " (did you mean \($0)?)" } ?? ""
    return "\(printable(file, limit: 4096))\(place): \(printable(message, limit: 4096))\(printable(guess, limit: 512))"
  }
}

/// Everything found wrong, file by file; what only shows when all files are merged comes last.
public struct SettingsErrors: Error, Sendable, Equatable, CustomStringConvertible {
  /// More are counted but not kept.
  public static let limit = 20

  public private(set) var errors: [SettingsError] = []
  /// How many more there were.
  public private(set) var omitted = 0

  public var isEmpty: Bool { errors.isEmpty }

  /// One line each.
  public var description: String {
    let lines = errors.map(\.description)
    return (omitted > 0 ? lines + ["and \(omitted) more"] : lines).joined(separator: "\n")
  }

  public init(_ errors: [SettingsError] = []) {
    for error in errors { add(error) }
  }

  public mutating func add(_ error: SettingsError) {
    if errors.count < Self.limit { errors.append(error) } else { omitted += 1 }
  }
}

/// Text from outside, fit for one line of a log: control characters escaped, length bounded.
public func printable(_ text: String, limit: Int = 80) -> String {
  var result = ""
  var count = 0
  for scalar in text.unicodeScalars {
    guard count < limit else { return result + "…" }
    count += 1
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned:
      result += "\\u{\(String(scalar.value, radix: 16))}"
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result
}
