import Settings

/// A profile as it holds with what the user changed. Thread: any, it is a value.
public struct Effective: Sendable, Equatable {
  /// With the overrides in it: their origin is `override`.
  public let profile: Profile
  public let overlay: Overlay
  /// Overrides that are kept and do nothing under this profile, and why.
  public let notes: [String]

  public init(_ base: Profile, _ overlay: Overlay = Overlay()) {
    var profile = base
    var notes: [String] = []
    // What chooses the form of a bus comes first.
    let ordered = overlay.settings.sorted { a, b in
      (a.key.hasSuffix("chain") ? 0 : 1, a.key) < (b.key.hasSuffix("chain") ? 0 : 1, b.key)
    }
    for (key, value) in ordered {
      if let misfit = profile.misfit(key, value) {
        notes.append("\(key) = \(value): \(misfit)")
      } else {
        profile.values[key] = PlacedValue(value, .override)
      }
    }
    if let keepsLevels = overlay.keepsLevels {
      profile.values["per_app.enabled"] = PlacedValue(.flag(keepsLevels), .override)
    }
    for route in overlay.routes {
      if let bus = route.route.bus, !profile.busNames.contains(bus) {
        notes.append("route of \(route.app): there is no bus \"\(bus)\" in profile \"\(profile.name)\"")
      }
    }
    self.profile = profile
    self.overlay = overlay
    self.notes = notes
  }

  /// What decides where streams go; `streams` says it of single ones.
  public func routing(streams: [UInt32: Route] = [:]) -> Routing {
    var routing = profile.routing
    routing.overrides = overlay.routes
    routing.isBypassed = overlay.isBypassed
    routing.streams = streams
    return routing
  }

  /// How the level of an application is kept; nil when it is not. What the user said of it counts before the rules.
  public func levelSettings(of labels: AppLabels) -> LevelSettings? {
    guard profile.keepsLevels else { return nil }
    guard let choice = overlay.levels.last(where: { $0.app.names(labels) }) else {
      return profile.levelSettings(of: labels)
    }
    guard choice.isEnabled else { return nil }
    var settings = profile.levelRules.first { $0.match.matches(labels) }?.settings ?? LevelSettings()
    settings.isEnabled = true
    return settings
  }
}

extension Profile {
  /// Why an override does nothing here.
  fileprivate func misfit(_ key: String, _ value: SettingValue) -> String? {
    if let (bus, leaf) = ProfileSchema.busKey(key) {
      guard busNames.contains(bus) else { return "there is no bus \"\(bus)\" in profile \"\(name)\"" }
      return stageMisfit(bus, leaf)
    }
    if key == "default_route.route", let bus = value.text.flatMap({ Route($0) })?.bus, !busNames.contains(bus) {
      return "there is no bus \"\(bus)\" in profile \"\(name)\""
    }
    return stageMisfit(BusDescription.processed, key)
  }

  private func stageMisfit(_ bus: String, _ key: String) -> String? {
    guard ProfileSchema.stages.contains(where: { $0.name == key }), !hasStages(bus) else { return nil }
    return "bus \"\(bus)\" has nodes of its own in profile \"\(name)\""
  }
}
