/// A directory with profiles. What comes later in a list counts before what comes earlier.
public struct ProfilePlace: Sendable, Hashable {
  public enum Origin: String, Sendable, CaseIterable {
    case builtIn = "built-in"
    case shipped, user, extra
  }

  public var directory: String
  public var origin: Origin

  public init(_ directory: String, _ origin: Origin) {
    self.directory = directory
    self.origin = origin
  }

  /// Where profiles are looked for: what came with the program, the data directories, the user's, those named
  /// explicitly. Relative paths of the environment are ignored, as the base directory specification asks.
  ///
  /// - Parameter executable: the program's own path; beside it lies what was installed with it, or its checkout.
  public static func all(
    environment: [String: String], executable: String? = nil, extra: [String] = []
  ) -> [ProfilePlace] {
    func absolute(_ name: String) -> String? { environment[name].flatMap { $0.hasPrefix("/") ? $0 : nil } }
    let home = absolute("HOME")
    let listed = (environment["XDG_DATA_DIRS"] ?? "").split(separator: ":").prefix(16).map(String.init)
    let data = listed.filter { $0.hasPrefix("/") }
    var shipped = (data.isEmpty ? ["/usr/local/share", "/usr/share"] : data).reversed().map { "\($0)/streamd/profiles" }
    shipped += executable.map { beside($0) } ?? []
    if let own = absolute("XDG_DATA_HOME") ?? home.map({ "\($0)/.local/share" }) {
      shipped.append("\(own)/streamd/profiles")
    }
    let user = absolute("XDG_CONFIG_HOME") ?? home.map { "\($0)/.config" }
    var places = shipped.map { ProfilePlace($0, .shipped) }
    if let user { places.append(ProfilePlace("\(user)/streamd/profiles", .user)) }
    places += extra.map { ProfilePlace($0, .extra) }
    // Of one that is named twice the place that counts more.
    var seen: Set<String> = []
    return places.reversed().filter { seen.insert($0.directory).inserted }.reversed()
  }

  /// What belongs to a program: `../share` of where it is installed, or the checkout in which it was built.
  private static func beside(_ executable: String) -> [String] {
    let parts = executable.split(separator: "/").map(String.init)
    guard executable.hasPrefix("/"), parts.count >= 2 else { return [] }
    if let build = parts.lastIndex(of: ".build") {
      return ["/" + (parts[..<build] + ["profiles"]).joined(separator: "/")]
    }
    guard parts.count >= 3 else { return [] }
    return ["/" + (parts.dropLast(2) + ["share", "streamd", "profiles"]).joined(separator: "/")]
  }
}
