extension Settings {
  /// Whose sound is captured. There is no way to spell a microphone.
  public enum CaptureTarget: Sendable, Equatable {
    /// The sink that is the default one, also after it changes.
    case defaultSink
    /// The sink with this node name; silence while there is none.
    case sink(String)
    /// Of the default sink what these applications play, or all but that: a rule as `AppRule` reads it.
    case app(String)
    case withoutApp(String)
  }

  /// How small a graph cycle is asked for.
  /// Which way a sink's sound is captured.
  public enum CaptureMode: String, Sendable, CaseIterable {
    case monitor, streams, auto
  }

  /// When our microphone is the user's default one.
  public enum MakeDefault: String, Sendable, CaseIterable {
    case never
    case whileConnected = "while_connected"
    case always
  }

  public enum Latency: String, Sendable, CaseIterable {
    case low, balanced, relaxed

    /// The cycle asked of the graph in frames at 48 kHz; nil leaves the graph as it is.
    public var cycleFrames: Int? {
      switch self {
      case .low: 128
      case .balanced: 256
      case .relaxed: nil
      }
    }
  }

  /// How much sound one packet carries; the raw value is microseconds.
  public enum FrameLength: Int, Sendable, CaseIterable {
    case ms2Half = 2_500
    case ms5 = 5_000
    case ms10 = 10_000
    case ms20 = 20_000

    public var microseconds: Int { rawValue }
    public var milliseconds: Double { Double(rawValue) / 1000 }
  }

  /// The least important messages that are still logged.
  public enum LogLevel: String, Sendable, CaseIterable {
    case error, warning, info, debug
  }
}

/// A value as a file spells it, whatever type it becomes.
public enum SettingValue: Sendable, Equatable, CustomStringConvertible {
  case flag(Bool)
  case integer(Int)
  case number(Double)
  case text(String)

  /// As TOML.
  public var description: String {
    switch self {
    case .flag(let flag): return flag ? "true" : "false"
    case .integer(let integer): return String(integer)
    case .number(let number):
      let text = String(number)
      return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    case .text(let text): return "\"" + text.unicodeScalars.map(Self.escaped).joined() + "\""
    }
  }

  private static func escaped(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "\"", "\\": return "\\\(scalar)"
    case "\u{0}"..."\u{1F}", "\u{7F}":
      let digits = String(scalar.value, radix: 16)
      return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: return String(scalar)
    }
  }
}

/// A type that a key can have.
protocol SettingRepresentable: Sendable {
  init?(setting: SettingValue)
  var setting: SettingValue { get }
}

extension Bool: SettingRepresentable {
  init?(setting: SettingValue) {
    guard case .flag(let flag) = setting else { return nil }
    self = flag
  }
  var setting: SettingValue { .flag(self) }
}

extension Int: SettingRepresentable {
  init?(setting: SettingValue) {
    guard case .integer(let integer) = setting else { return nil }
    self = integer
  }
  var setting: SettingValue { .integer(self) }
}

extension String: SettingRepresentable {
  init?(setting: SettingValue) {
    guard case .text(let text) = setting else { return nil }
    self = text
  }
  var setting: SettingValue { .text(self) }
}

extension Settings.FrameLength: SettingRepresentable {
  init?(setting: SettingValue) {
    guard case .number(let number) = setting else { return nil }
    guard let found = Self.allCases.first(where: { $0.milliseconds == number }) else { return nil }
    self = found
  }
  var setting: SettingValue { .number(milliseconds) }
}

extension SettingRepresentable where Self: RawRepresentable, RawValue == String {
  init?(setting: SettingValue) {
    guard case .text(let text) = setting else { return nil }
    self.init(rawValue: text)
  }
  var setting: SettingValue { .text(rawValue) }
}

extension Settings.Latency: SettingRepresentable {}
extension Settings.CaptureMode: SettingRepresentable {}
extension Settings.LogLevel: SettingRepresentable {}
extension Settings.MakeDefault: SettingRepresentable {}

extension Settings.CaptureTarget: SettingRepresentable, CustomStringConvertible {
  /// Reads "default-sink", "sink:" and a node name, or "app:" and a rule, that with "desktop minus " before it.
  public init?(_ text: String) {
    if text == "default-sink" {
      self = .defaultSink
    } else if text.hasPrefix("sink:"), (1...256).contains(text.utf8.count - 5) {
      self = .sink(String(text.dropFirst(5)))
    } else if text.hasPrefix("app:"), (1...256).contains(text.utf8.count - 4) {
      self = .app(String(text.dropFirst(4)))
    } else if text.hasPrefix("desktop minus app:"), (1...256).contains(text.utf8.count - 18) {
      self = .withoutApp(String(text.dropFirst(18)))
    } else {
      return nil
    }
  }

  public var description: String {
    switch self {
    case .defaultSink: "default-sink"
    case .sink(let name): "sink:\(name)"
    case .app(let rule): "app:\(rule)"
    case .withoutApp(let rule): "desktop minus app:\(rule)"
    }
  }

  init?(setting: SettingValue) {
    guard case .text(let text) = setting else { return nil }
    self.init(text)
  }
  var setting: SettingValue { .text(description) }
}
