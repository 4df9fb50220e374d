public import Settings
public import Wording

/// Where the applications go that a profile describes.
public struct RouteRule: Sendable, Equatable {
  public var match: LabelMatch
  public var route: Route
  /// Where it is written; nil for one that came from nowhere.
  public var origin: SettingOrigin?

  public init(_ match: LabelMatch, _ route: Route, origin: SettingOrigin? = nil) {
    self.match = match
    self.route = route
    self.origin = origin
  }

  /// Whether it does the same, wherever it is written.
  public func acts(like other: RouteRule) -> Bool { match == other.match && route == other.route }
}

/// What a user said of one application, by whichever label of it.
public struct RouteOverride: Sendable, Hashable {
  public let app: Glob
  public var route: Route

  public init(_ app: Glob, _ route: Route) {
    self.app = app
    self.route = route
  }

  public func matches(_ labels: AppLabels) -> Bool { app.names(labels) }
}

extension Glob {
  /// Whether it is one of the names an application goes by.
  public func names(_ labels: AppLabels) -> Bool {
    LabelField.identities.contains { field in labels[field].contains { matches($0) } }
  }
}
