public import Settings
import Wording

/// A value of a profile, an override or a node's argument: under a name of its own for who imports `Mixer` too.
public typealias ProfileValue = SettingValue

/// Why a value does not fit its key; the place is the caller's to add.
public struct ProfileValueProblem: Error, Sendable, Equatable {
  public var code: SettingsError.Code
  public var message: String
  public var hint: String?
}

extension ProfileKey.Kind {
  /// The value in the form the key has: a number where a whole one was written.
  public func accept(_ value: SettingValue) throws(ProfileValueProblem) -> SettingValue {
    switch (self, value) {
    case (.flag, .flag): return value
    case (.numberOrAutomatic, .text("auto")): return value
    case (.number(let range), .integer(let integer)), (.numberOrAutomatic(let range), .integer(let integer)):
      return try within(range, Double(integer), value)
    case (.number(let range), .number(let number)), (.numberOrAutomatic(let range), .number(let number)):
      return try within(range, number, value)
    case (.integerChoice(let choices), .integer(let integer)):
      guard choices.contains(integer) else { throw notAChoice(value) }
      return value
    case (.choice(let choices), .text(let text)):
      guard choices.contains(text) else { throw notAChoice(value, nearestName(to: text, among: choices)) }
      return value
    case (.numberOrAutomatic, .text(let text)): throw notAChoice(value, nearestName(to: text, among: ["auto"]))
    case (.text(let longest), .text(let text)):
      guard text.utf8.count <= longest else {
        throw ProfileValueProblem(code: .badValue, message: "longer than \(longest) bytes")
      }
      return value
    case (.route, .text(let text)):
      guard Route(text) != nil else { throw notAChoice(value, nearestName(to: text, among: Route.words)) }
      return value
    case (.capture, .text(let text)):
      guard Settings.CaptureTarget(text) != nil else { throw notAChoice(value) }
      return value
    case (.version(let version), .integer(let integer)):
      guard integer == version else {
        let message = "version \(integer) is not supported, this release reads version \(version)"
        throw ProfileValueProblem(code: .unsupportedVersion, message: message)
      }
      return value
    default:
      throw ProfileValueProblem(code: .wrongType, message: "expected \(typeName), found \(value.typeName)")
    }
  }

  private func within(
    _ range: ClosedRange<Double>, _ number: Double, _ value: SettingValue
  ) throws(ProfileValueProblem) -> SettingValue {
    guard range.contains(number) else {
      let bounds = "\(SettingValue.number(range.lowerBound)) to \(SettingValue.number(range.upperBound))"
      throw ProfileValueProblem(code: .outOfRange, message: "\(value) is out of range, \(bounds)")
    }
    return .number(number)
  }

  private func notAChoice(_ value: SettingValue, _ near: String? = nil) -> ProfileValueProblem {
    ProfileValueProblem(
      code: .notAChoice, message: "\(printable(value.description)) is not \(self)", hint: near.map { "\"\($0)\"" })
  }
}

extension SettingValue {
  /// With its article, for messages.
  var typeName: String {
    switch self {
    case .flag: "a boolean"
    case .integer: "an integer"
    case .number: "a float"
    case .text: "a string"
    }
  }

  public var flag: Bool? { if case .flag(let flag) = self { flag } else { nil } }
  public var text: String? { if case .text(let text) = self { text } else { nil } }
  public var number: Double? {
    switch self {
    case .number(let number): number
    case .integer(let integer): Double(integer)
    default: nil
    }
  }
}

/// A value and where it was given.
public struct PlacedValue: Sendable, Equatable {
  public var value: SettingValue
  public var origin: ValueOrigin

  public init(_ value: SettingValue, _ origin: ValueOrigin) {
    self.value = value
    self.origin = origin
  }
}

/// Who said so.
public enum ValueOrigin: Sendable, Equatable, CustomStringConvertible {
  case builtIn
  case file(SettingOrigin)
  case override

  public var description: String {
    switch self {
    case .builtIn: "built-in"
    case .file(let place): place.description
    case .override: "override"
    }
  }
}
