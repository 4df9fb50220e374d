/// What a playing stream can say of itself, spelt as in a profile's `match`.
public enum LabelField: String, Sendable, CaseIterable, Comparable {
  case processBinary = "process_binary"
  case applicationName = "application_name"
  case portalAppID = "portal_app_id"
  case flatpakID = "flatpak_id"
  case steamAppID = "steam_app_id"
  case mediaRole = "media_role"
  case mediaName = "media_name"
  case nodeName = "node_name"
  case cgroup
  /// The binaries of the processes it descends from, the nearest first.
  case parent

  /// The fields by which people name an application; any of them will do.
  public static let identities: [LabelField] = [
    .processBinary, .applicationName, .portalAppID, .flatpakID, .steamAppID, .nodeName,
  ]

  public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}
