public import Settings

/// One key of a profile: what reading, overrides and documents know of it.
public struct ProfileKey: Sendable, Equatable {
  public enum Kind: Sendable, Equatable {
    case flag
    case number(ClosedRange<Double>)
    /// Or the word "auto".
    case numberOrAutomatic(ClosedRange<Double>)
    case integerChoice([Int])
    case choice([String])
    case text(longest: Int)
    case route
    /// What a session hears.
    case capture
    case version(Int)
  }

  /// Dotted: "limiter.ceiling_dbtp", "buses.voice.agc.target_lufs".
  public var name: String
  public var kind: Kind
  /// Nil when nothing is said unless the key is given.
  public var defaultValue: SettingValue?
  public var documentation: String
  /// Whether users may override it; what names a profile they may not.
  public var isOverridable = true

  init(_ name: String, _ kind: Kind, _ defaultValue: SettingValue?, _ documentation: String) {
    self.name = name
    self.kind = kind
    self.defaultValue = defaultValue
    self.documentation = documentation
  }

  func renamed(_ name: String) -> ProfileKey {
    var key = self
    key.name = name
    return key
  }
}

extension ProfileKey.Kind: CustomStringConvertible {
  public var description: String {
    switch self {
    case .flag: "true or false"
    case .number(let range): "number, \(shown(range))"
    case .numberOrAutomatic(let range): "\"auto\", or number, \(shown(range))"
    case .integerChoice(let choices): "one of " + choices.map { String($0) }.joined(separator: ", ")
    case .choice(let choices): "one of " + choices.map { "\"\($0)\"" }.joined(separator: ", ")
    case .text(let longest): "text of at most \(longest) bytes"
    case .route: Route.grammar
    case .capture: "default-sink, sink:<node name>, app:<rule> or desktop minus app:<rule>"
    case .version(let version): "always \(version)"
    }
  }

  var typeName: String {
    switch self {
    case .flag: "a boolean"
    case .number: "a number"
    case .numberOrAutomatic: "a number or \"auto\""
    case .integerChoice, .version: "an integer"
    case .choice, .text, .route, .capture: "a string"
    }
  }
}

private func shown(_ range: ClosedRange<Double>) -> String {
  "\(SettingValue.number(range.lowerBound)) to \(SettingValue.number(range.upperBound))"
}
