import Settings
import Wording

extension Profile {
  /// Rules and default routes to buses that are not there.
  var missingBuses: [SettingsError] {
    var found: [SettingsError] = []
    func check(_ route: Route, _ origin: SettingOrigin?, _ key: String) {
      guard let bus = route.bus, !busNames.contains(bus) else { return }
      found.append(
        SettingsError(
          code: .notFound, file: origin?.file ?? file ?? name, line: origin?.line ?? 0, column: origin?.column ?? 0,
          key: key, message: "\(key): there is no bus \"\(bus)\"; it needs a [buses.\(bus)]",
          hint: nearestName(to: bus, among: busNames).map { "\"bus:\($0)\"" }))
    }
    for rule in rules { check(rule.route, rule.origin, "rules.route") }
    if case .file(let place) = origin(of: "default_route.route") { check(defaultRoute, place, "default_route.route") }
    return found
  }

  /// What decides where streams go under this profile, before anything of the user's.
  public var routing: Routing {
    Routing(rules: rules, defaultRoute: defaultRoute, buses: Set(busNames))
  }
}
