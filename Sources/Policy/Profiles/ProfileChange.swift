/// What must be done to go from one profile to another. Thread: any, it is a value.
public struct ProfileChange: Sendable, Equatable {
  /// The greatest of what is needed.
  public enum Extent: Int, Sendable, Comparable {
    case none
    /// Values of nodes that are there, live.
    case parameters
    /// Other nodes on a bus: what plays is cross-faded.
    case structure
    /// Other buses, or streams that go elsewhere.
    case devices

    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
  }

  public private(set) var extent: Extent
  /// What is different, by dotted names in their order: "limiter.ceiling_dbtp", "rules", "buses.voice".
  public private(set) var keys: [String]
  public private(set) var addedBuses: [String]
  public private(set) var removedBuses: [String]
  /// What is needed on the buses that stay, where anything is.
  public private(set) var chains: [String: Extent]
  public private(set) var routesChanged: Bool
  public private(set) var levelsChanged: Bool

  /// Arguments of nodes that cannot be changed while they play.
  public static let settings: Set<String> = ["channels", "detector", "lookahead", "link", "filters", "side_chain"]

  /// - Parameter isLive: whether an argument of a kind of node can be changed while it plays.
  public init(
    from old: Profile, to new: Profile,
    isLive: (_ kind: String, _ argument: String) -> Bool = { !ProfileChange.settings.contains($1) }
  ) {
    let (before, after) = (Set(old.busNames), Set(new.busNames))
    addedBuses = after.subtracting(before).sorted()
    removedBuses = before.subtracting(after).sorted()
    let stay = before.intersection(after)
    var keys: Set<String> = []
    for key in ProfileSchema.keys(buses: stay.sorted()).map(\.name) {
      if Self.names.contains(key) || key.hasSuffix(".description") { continue }
      if old.value(of: key) != new.value(of: key) { keys.insert(key) }
    }
    for bus in addedBuses + removedBuses { keys.insert("buses.\(bus)") }
    chains = [:]
    var replaced = false
    for bus in [BusDescription.processed] + stay.sorted() {
      let (was, becomes) = (old.bus(bus), new.bus(bus))
      if was.channels != becomes.channels { replaced = true }
      let extent = Self.extent(was.chain, becomes.chain, isLive)
      if extent > .none { chains[bus] = extent }
      if old.nodes[bus] != new.nodes[bus] {
        keys.insert(bus == BusDescription.processed ? "nodes" : "buses.\(bus).nodes")
      }
    }
    let rules = !old.rules.elementsEqual(new.rules) { $0.acts(like: $1) }
    if rules { keys.insert("rules") }
    routesChanged = rules || old.defaultRoute != new.defaultRoute
    let levelRules = !old.levelRules.elementsEqual(new.levelRules) { $0.acts(like: $1) }
    if levelRules { keys.insert("per_app.rules") }
    levelsChanged =
      levelRules || old.keepsLevels != new.keepsLevels || old.keepsLevelsByDefault != new.keepsLevelsByDefault
    self.keys = keys.sorted()
    extent = max(chains.values.max() ?? .none, keys.isEmpty ? .none : .parameters)
    if routesChanged || replaced || before != after { extent = .devices }
  }

  private static let names: Set<String> = ["name", "description", "extends", "config_version"]

  private static func extent(
    _ old: BusChain, _ new: BusChain, _ isLive: (String, String) -> Bool
  ) -> Extent {
    if old == new { return .none }
    guard case .nodes(let old) = old, case .nodes(let new) = new, old.count == new.count else { return .structure }
    for (was, becomes) in zip(old, new) {
      guard was.kind == becomes.kind, was.name == becomes.name else { return .structure }
      let names = Set(was.args.map(\.name)).union(becomes.args.map(\.name))
      for name in names where was[name] != becomes[name] && !isLive(was.kind, name) { return .structure }
      // An argument that is gone goes back to its default, which only the node knows.
      guard was.args.map(\.name) == becomes.args.map(\.name) else { return .structure }
    }
    return .parameters
  }
}
