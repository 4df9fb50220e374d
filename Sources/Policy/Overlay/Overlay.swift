public import Settings
public import Wording

/// What a user changed while the daemon ran: it outlives profiles and restarts. Who owns its file writes `text` there.
/// Thread: any, it is a value.
public struct Overlay: Sendable, Equatable {
  public static let mostSettings = 1024
  public static let mostApps = 512

  /// What a user said of keeping one application's level.
  public struct LevelSwitch: Sendable, Hashable {
    public let app: Glob
    public var isEnabled: Bool

    public init(_ app: Glob, isEnabled: Bool) {
      self.app = app
      self.isEnabled = isEnabled
    }
  }

  public var activeProfile: String?
  public var isBypassed = false
  /// Whether levels of applications are kept at all; nil as the profile says.
  public var keepsLevels: Bool?
  /// By dotted names.
  public private(set) var settings: [String: SettingValue] = [:]
  /// The newest last.
  public private(set) var routes: [RouteOverride] = []
  public private(set) var levels: [LevelSwitch] = []

  public init() {}

  // MARK: Settings

  /// Sets a key, whether or not it fits the active profile. Returns the value in the key's form.
  @discardableResult
  public mutating func set(_ key: String, _ value: SettingValue) throws(SettingsError) -> SettingValue {
    let known = try Self.key(key)
    let accepted: SettingValue
    do throws(ProfileValueProblem) {
      accepted = try known.kind.accept(value)
    } catch {
      throw Self.error(error.code, key, "\(key): \(error.message)", error.hint)
    }
    guard settings[key] != nil || settings.count < Self.mostSettings else {
      throw Self.error(.tooMany, key, "more than \(Self.mostSettings) overrides; clear some")
    }
    settings[key] = accepted
    return accepted
  }

  /// As people type it: what is not a number, `true` or `false` is text, with or without quotation marks.
  @discardableResult
  public mutating func set(_ key: String, typed text: String) throws(SettingsError) -> SettingValue {
    try set(key, Self.value(typed: text))
  }

  static func value(typed text: String) -> SettingValue {
    switch text {
    case "true", "on": return .flag(true)
    case "false", "off": return .flag(false)
    default:
      if let integer = Int(text) { return .integer(integer) }
      if let number = Double(text), number.isFinite { return .number(number) }
      let isQuoted = text.count >= 2 && text.hasPrefix("\"") && text.hasSuffix("\"")
      return .text(isQuoted ? String(text.dropFirst().dropLast()) : text)
    }
  }

  /// False when it was not set.
  @discardableResult
  public mutating func clear(_ key: String) throws(SettingsError) -> Bool {
    if settings.removeValue(forKey: key) != nil { return true }
    _ = try Self.key(key)
    return false
  }

  /// Clears every setting; how many there were. Routes, levels, bypass and the profile stay.
  @discardableResult
  public mutating func reset() -> Int {
    defer { settings = [:] }
    return settings.count
  }

  static func key(_ name: String) throws(SettingsError) -> ProfileKey {
    guard let key = ProfileSchema.key(name) else {
      let hint = ProfileSchema.nearest(to: name).map { "\"\($0)\"" }
      throw error(.unknownKey, printable(name), "unknown key \"\(printable(name))\"", hint)
    }
    guard key.isOverridable else {
      throw error(.badValue, name, "\(name): belongs to a profile's file and cannot be overridden")
    }
    return key
  }

  // MARK: Applications

  /// Sends the application with this name or pattern there, by whichever of its labels it has it.
  public mutating func setRoute(app: String, _ route: Route) throws(SettingsError) {
    let glob = try Self.app(app)
    // What was said last of an application counts, so it is the last one.
    routes.removeAll { $0.app == glob }
    guard routes.count < Self.mostApps else {
      throw Self.error(.tooMany, "routes", "more than \(Self.mostApps) applications; unset some")
    }
    routes.append(RouteOverride(glob, route))
  }

  /// False when nothing was said of it.
  @discardableResult
  public mutating func unsetRoute(app: String) -> Bool {
    let before = routes.count
    routes.removeAll { $0.app == Glob(app) }
    return routes.count < before
  }

  public mutating func setLevels(app: String, isEnabled: Bool) throws(SettingsError) {
    let glob = try Self.app(app)
    levels.removeAll { $0.app == glob }
    guard levels.count < Self.mostApps else {
      throw Self.error(.tooMany, "levels", "more than \(Self.mostApps) applications; unset some")
    }
    levels.append(LevelSwitch(glob, isEnabled: isEnabled))
  }

  @discardableResult
  public mutating func unsetLevels(app: String) -> Bool {
    let before = levels.count
    levels.removeAll { $0.app == Glob(app) }
    return levels.count < before
  }

  private static func app(_ text: String) throws(SettingsError) -> Glob {
    guard let glob = Glob(text) else {
      throw error(.badValue, "app", "app: an application is named by 1 to \(Glob.longest) bytes")
    }
    return glob
  }

  private static func error(
    _ code: SettingsError.Code, _ key: String, _ message: String, _ hint: String? = nil
  ) -> SettingsError {
    SettingsError(code: code, file: "override", key: key, message: message, hint: hint)
  }
}
