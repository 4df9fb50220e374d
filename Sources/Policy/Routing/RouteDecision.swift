public import Settings
import Wording

/// Where a stream goes, and why.
public struct RouteDecision: Sendable, Equatable {
  public enum Reason: Sendable, Equatable {
    /// The user said so of this one stream.
    case stream
    /// The user said so of the application.
    case override(String)
    /// Everything is bypassed.
    case bypassSwitch
    /// The first rule that fits, counted from 0.
    case rule(Int, SettingOrigin?)
    case defaultRoute
  }

  public var route: Route
  public var reason: Reason
  /// What was passed over, and why: a bus that the profile does not have.
  public var note: String?

  public init(_ route: Route, _ reason: Reason, note: String? = nil) {
    self.route = route
    self.reason = reason
    self.note = note
  }
}

extension RouteDecision.Reason: CustomStringConvertible {
  public var description: String {
    switch self {
    case .stream: "set for this stream"
    case .override(let app): "set for \(app)"
    case .bypassSwitch: "bypass is on"
    case .rule(let index, let origin): "rule \(index + 1)" + (origin.map { ", \($0)" } ?? "")
    case .defaultRoute: "the default route"
    }
  }
}

/// All that decides where streams go. Thread: any, it is a value.
public struct Routing: Sendable, Equatable {
  public var rules: [RouteRule]
  public var defaultRoute: Route
  /// The newest last; it counts first.
  public var overrides: [RouteOverride]
  /// What was said of single streams, by their ids.
  public var streams: [UInt32: Route]
  /// Nothing is processed; what is excluded stays so.
  public var isBypassed: Bool
  /// The buses there are.
  public var buses: Set<String>

  public init(
    rules: [RouteRule] = [], defaultRoute: Route = .processed, overrides: [RouteOverride] = [],
    streams: [UInt32: Route] = [:], isBypassed: Bool = false, buses: Set<String> = []
  ) {
    self.rules = rules
    self.defaultRoute = defaultRoute
    self.overrides = overrides
    self.streams = streams
    self.isBypassed = isBypassed
    self.buses = buses
  }

  /// The stream's own route, the newest override that fits, the first rule that does, the default route; then the
  /// bypass switch, which turns all but `exclude` into `bypass`.
  public func decide(_ labels: AppLabels, stream: UInt32? = nil) -> RouteDecision {
    let decision = undisturbed(labels, stream: stream)
    guard isBypassed, decision.route != .exclude, decision.route != .bypass else { return decision }
    return RouteDecision(.bypass, .bypassSwitch, note: decision.note)
  }

  private func undisturbed(_ labels: AppLabels, stream: UInt32?) -> RouteDecision {
    var note: String?
    func exists(_ route: Route) -> Bool {
      guard let bus = route.bus, !buses.contains(bus) else { return true }
      note = note ?? "there is no bus \"\(bus)\" in this profile"
      return false
    }
    if let stream, let route = streams[stream], exists(route) { return RouteDecision(route, .stream, note: note) }
    for override in overrides.reversed() where override.matches(labels) && exists(override.route) {
      return RouteDecision(override.route, .override(override.app.text), note: note)
    }
    for (index, rule) in rules.enumerated() where rule.match.matches(labels) && exists(rule.route) {
      return RouteDecision(rule.route, .rule(index, rule.origin), note: note)
    }
    let route = exists(defaultRoute) ? defaultRoute : .processed
    return RouteDecision(route, .defaultRoute, note: note)
  }
}
