public import Settings

/// A profile with all that it is built upon: what is said, where, and what follows. Thread: any, it is a value.
public struct Profile: Sendable, Equatable {
  public internal(set) var name: String
  /// Its own file; the built-in one has none.
  public internal(set) var file: String?
  /// By dotted names; what is missing has its default.
  var values: [String: PlacedValue] = [:]
  /// The first that fits counts: the profile's own before those of what it extends.
  public internal(set) var rules: [RouteRule] = []
  public internal(set) var levelRules: [LevelRule] = []
  /// `[[nodes]]` by bus, the processed one's under "processed".
  var nodes: [String: [ChainNode]] = [:]
  /// In the order of their names.
  public internal(set) var busNames: [String] = []
  /// What is odd about it and does no harm.
  public internal(set) var warnings: [SettingsError] = []

  init(name: String) { self.name = name }

  public var description: String { value(of: "description")?.text ?? "" }

  /// What a key says: what was written or the default. Nil for a key that is not one, or says nothing by itself.
  public func value(of key: String) -> SettingValue? { values[key]?.value ?? fallback(key) }

  /// Who said so.
  public func origin(of key: String) -> ValueOrigin { values[key]?.origin ?? .builtIn }

  /// Whether the key means something here: it is one, and its bus is there.
  public func has(_ key: String) -> Bool {
    guard ProfileSchema.key(key) != nil else { return false }
    guard let (bus, _) = ProfileSchema.busKey(key) else { return true }
    return busNames.contains(bus)
  }

  /// Every key that says something, with its value and who said it.
  public var listing: [(key: String, value: SettingValue, origin: ValueOrigin)] {
    ProfileSchema.keys(buses: busNames).compactMap { key in
      value(of: key.name).map { (key.name, $0, origin(of: key.name)) }
    }
  }

  public var defaultRoute: Route { value(of: "default_route.route")?.text.flatMap { Route($0) } ?? .processed }
  public var metersPerSecond: Double { min(60, value(of: "meters.publish_hz")?.number ?? 20) }
  public var keepsLevels: Bool { value(of: "per_app.enabled")?.flag ?? false }
  public var keepsLevelsByDefault: Bool { value(of: "per_app.default_enabled")?.flag ?? false }
  public var session: SessionDefaults {
    SessionDefaults(
      limiter: value(of: "session.limiter")?.flag, gain: value(of: "session.gain")?.number,
      capture: value(of: "session.capture")?.text)
  }

  /// How the level of an application is kept, if this profile keeps any. Who has it off is the caller's to ask.
  public func levelSettings(of labels: AppLabels) -> LevelSettings? {
    guard keepsLevels else { return nil }
    if let rule = levelRules.first(where: { $0.match.matches(labels) }) {
      return rule.settings.isEnabled ? rule.settings : nil
    }
    return keepsLevelsByDefault ? LevelSettings() : nil
  }

  private func fallback(_ key: String) -> SettingValue? { ProfileSchema.key(key)?.defaultValue }
}

/// What sessions have that say nothing else themselves; nil leaves it to the configuration.
public struct SessionDefaults: Sendable, Equatable {
  public var limiter: Bool?
  /// In dB.
  public var gain: Double?
  public var capture: String?

  public init(limiter: Bool? = nil, gain: Double? = nil, capture: String? = nil) {
    self.limiter = limiter
    self.gain = gain
    self.capture = capture
  }
}
