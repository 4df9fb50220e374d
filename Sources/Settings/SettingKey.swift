import Wording

/// One configuration key: what checking, the example file and `describe` know about it.
public struct SettingKey: Sendable, Equatable {
  /// Dotted ("stream.bitrate"); keys of `[[session]]` begin with "session.".
  public let name: String
  public let kind: SettingKind
  /// Nil when the key has to be given, or inherits.
  public let defaultValue: SettingValue?
  /// The key a session's value falls back to.
  public let fallback: String?
  /// One line of prose.
  public let documentation: String

  /// The name without its section.
  public var leaf: String { name.split(separator: ".").last.map(String.init) ?? name }
}

/// What values a key takes.
public enum SettingKind: Sendable, Equatable, CustomStringConvertible {
  case flag
  case integer(ClosedRange<Int>)
  /// 0 stands for "choose yourself".
  case integerOrAutomatic(ClosedRange<Int>)
  case integerChoice([Int])
  case numberChoice([Double])
  case wordChoice([String])
  case text(SettingText)
  /// The number of the format itself.
  case version(Int)

  public var description: String {
    switch self {
    case .flag: "true or false"
    case .integer(let range): "whole number, \(range.lowerBound) to \(range.upperBound)"
    case .integerOrAutomatic(let range): "0, or whole number, \(range.lowerBound) to \(range.upperBound)"
    case .integerChoice(let choices): "one of " + choices.map { String($0) }.joined(separator: ", ")
    case .numberChoice(let choices):
      "one of " + choices.map { SettingValue.number($0).description }.joined(separator: ", ")
    case .wordChoice(let choices):
      "one of " + choices.map { SettingValue.text($0).description }.joined(separator: ", ")
    case .text(let form): form.description
    case .version(let version): "always \(version)"
    }
  }

  /// With its article, for messages.
  var typeName: String {
    switch self {
    case .flag: "a boolean"
    case .integer, .integerOrAutomatic, .integerChoice, .version: "an integer"
    case .numberChoice: "a number"
    case .wordChoice, .text: "a string"
    }
  }
}

/// Texts with a grammar of their own.
public enum SettingText: Sendable, Equatable, CustomStringConvertible {
  case captureTarget, endpoint, sessionName, profileName, socketPath, doorPath, remoteName, label, device, filePath
  case nameList, webAddress

  public var description: String {
    switch self {
    case .captureTarget: "\"default-sink\", \"sink:<node name>\", \"app:<rule>\" or \"desktop minus app:<rule>\""
    case .endpoint: "\"host:port\"; the host is a name, an IPv4 address or an IPv6 address in brackets"
    case .sessionName: "1 to 64 letters, digits, dots, dashes and underscores"
    case .profileName: "name of a profile, or empty"
    case .socketPath: "absolute path of at most 107 bytes, or empty"
    case .doorPath: "absolute path of at most 107 bytes, \"auto\", or empty"
    case .label: "1 to 64 bytes of text"
    case .remoteName: "name of a socket, or its absolute path, or empty"
    case .device: "name of at most 256 bytes, or empty"
    case .filePath: "absolute path, or empty"
    case .nameList: "names separated by commas, at most 1024 bytes"
    case .webAddress: "\"ADDRESS:PORT\" with an IPv6 address in brackets, an absolute path, or empty"
    }
  }
}

/// Why a value does not fit a key; the place is the caller's to add.
struct SettingProblem: Error {
  var code: SettingsError.Code
  var message: String
  var hint: String?
}

extension SettingKind {
  /// The value in the form the key's type expects.
  func accept(_ value: TomlNode.Value) throws(SettingProblem) -> SettingValue {
    switch (self, value) {
    case (.flag, .flag(let flag)):
      return .flag(flag)
    case (.integerOrAutomatic, .integer(0)):
      return .integer(0)
    case (.integer(let range), .integer(let integer)), (.integerOrAutomatic(let range), .integer(let integer)):
      guard range.contains(integer) else {
        throw SettingProblem(
          code: .outOfRange,
          message: "\(integer) is out of range, \(range.lowerBound) to \(range.upperBound)")
      }
      return .integer(integer)
    case (.version(let version), .integer(let integer)):
      guard integer == version else {
        let message = "version \(integer) is not supported, this release reads version \(version)"
        throw SettingProblem(code: .unsupportedVersion, message: message)
      }
      return .integer(integer)
    case (.integerChoice(let choices), .integer(let integer)):
      guard choices.contains(integer) else { throw notAChoice("\(integer)") }
      return .integer(integer)
    case (.numberChoice(let choices), .integer(let integer)):
      guard choices.contains(Double(integer)) else { throw notAChoice("\(integer)") }
      return .number(Double(integer))
    case (.numberChoice(let choices), .number(let number)):
      guard choices.contains(number) else { throw notAChoice("\(number)") }
      return .number(number)
    case (.wordChoice(let choices), .text(let text)):
      guard choices.contains(text) else {
        let hint = nearestName(to: text, among: choices).map { SettingValue.text($0).description }
        throw notAChoice("\"\(printable(text))\"", hint: hint)
      }
      return .text(text)
    case (.text(let form), .text(let text)):
      try form.check(text)
      return .text(text)
    default:
      throw SettingProblem(code: .wrongType, message: "expected \(typeName), found \(value.typeName)")
    }
  }

  private func notAChoice(_ value: String, hint: String? = nil) -> SettingProblem {
    SettingProblem(code: .notAChoice, message: "\(value) is not \(description)", hint: hint)
  }
}

extension SettingText {
  func check(_ text: String) throws(SettingProblem) {
    let shown = "\"\(printable(text))\""
    guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
      throw bad("\(shown) holds a control character")
    }
    switch self {
    case .captureTarget:
      guard Settings.CaptureTarget(text) == nil else { return }
      throw bad("\(shown) is not \(description)", hint: Self.likelyTarget(text))
    case .endpoint:
      do {
        _ = try Settings.Endpoint(text)
      } catch {
        throw bad("\(shown) \(error.rawValue)")
      }
    case .sessionName:
      guard Self.isName(text) else { throw bad("\(shown) is not \(description)") }
    case .profileName:
      guard text.isEmpty || Self.isName(text) else { throw bad("\(shown) is not the \(description)") }
    case .socketPath:
      guard text.isEmpty || Self.isSocketPath(text) else { throw bad("\(shown) is not an \(description)") }
    case .doorPath:
      guard text.isEmpty || text == "auto" || Self.isSocketPath(text) else {
        throw bad("\(shown) is not an \(description)")
      }
    case .label:
      guard (1...64).contains(text.utf8.count) else { throw bad("\(shown) is not \(description)") }
    case .remoteName:
      let isName = !text.contains("/") && text.utf8.count <= 64
      guard isName || Self.isSocketPath(text) else { throw bad("\(shown) is not a \(description)") }
    case .device:
      guard text.utf8.count <= 256 else { throw bad("\(shown) is not a \(description)") }
    case .nameList:
      let isPlain = text.utf8.allSatisfy { isASCIILetterOrDigit($0) || "._-:[]*, ".utf8.contains($0) }
      guard isPlain, text.utf8.count <= 1024 else { throw bad("\(shown) is no list of \(description)") }
    case .webAddress:
      guard text.isEmpty || Self.isSocketPath(text) || Self.isAddressAndPort(text) else {
        throw bad("\(shown) is not an \(description)")
      }
    case .filePath:
      guard text.isEmpty || text.hasPrefix("/") && text.utf8.count < 4096 else {
        throw bad("\(shown) is not an \(description)")
      }
    }
  }

  private static func isName(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy { isASCIILetterOrDigit($0) || "._-".utf8.contains($0) }
  }

  private static func isAddressAndPort(_ text: String) -> Bool {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
      return false
    }
    let host = text[..<colon]
    let isSix = host.hasPrefix("[") && host.hasSuffix("]")
    let inner = isSix ? host.dropFirst().dropLast() : host
    return port > 0 && !inner.isEmpty
      && inner.utf8.allSatisfy { isASCIILetterOrDigit($0) || ".".utf8.contains($0) || isSix && $0 == 0x3A }
  }

  /// What fits a socket address.
  private static func isSocketPath(_ text: String) -> Bool {
    text.hasPrefix("/") && text.utf8.count <= 107
  }

  /// A bare node name is the usual slip; so is the monitor of one, as other sound servers spell it.
  private static func likelyTarget(_ text: String) -> String? {
    if let near = nearestName(to: text, among: ["default-sink"]) { return "\"\(near)\"" }
    let name = text.hasSuffix(".monitor") ? String(text.dropLast(8)) : text
    guard (1...64).contains(name.utf8.count),
      name.utf8.allSatisfy({ isASCIILetterOrDigit($0) || "._-".utf8.contains($0) })
    else { return nil }
    return "\"sink:\(name)\""
  }

  private func bad(_ message: String, hint: String? = nil) -> SettingProblem {
    SettingProblem(code: .badValue, message: message, hint: hint)
  }
}
