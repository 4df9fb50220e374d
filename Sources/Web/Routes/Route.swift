public import Control

/// What a path stands for.
public enum Route: Sendable, Equatable {
  case asset(Asset)
  /// Whether anybody is there at all.
  case alive
  /// Whether sound goes where it should.
  case ready
  case metrics
  case openAPI
  case events
  /// An operation of the control socket; where its whole body is one argument, that argument's name.
  case verb(name: String, wrapping: String? = nil)

  /// What a token must allow; nil where none is needed, for there is nothing to be learnt there.
  public var scope: VerbScope? {
    switch self {
    case .asset, .alive: nil
    case .ready, .metrics, .openAPI, .events: .read
    case .verb(let name, _): VerbCatalog.linked[name]?.scope ?? .admin
    }
  }
}

/// Every path there is. Operations stand below `/api/v1/`; those that only look are read with GET, and all may be posted to.
public struct RouteTable: Sendable {
  /// Short paths, each with the operation behind it, and the argument that its body is.
  static let shortcuts: [(method: String, path: String, verb: String, wrapping: String?)] = [
    ("GET", "/status", "channels.status", nil), ("GET", "/vu", "channels.vu", nil),
    ("GET", "/config", "channels.config", nil), ("POST", "/config", "channels.configure", "config"),
    ("POST", "/ptt", "ptt.set", nil),
  ]
  static let prefix = "/api/v1/"

  private var entries: [String: [(method: String, route: Route)]] = [:]

  public init(catalog: VerbCatalog = .linked, assets: [Asset] = Asset.all) {
    for asset in assets { add("GET", asset.path, .asset(asset)) }
    add("GET", "/healthz", .alive)
    add("GET", "/readyz", .ready)
    add("GET", "/metrics", .metrics)
    add("GET", Self.prefix + "openapi.json", .openAPI)
    add("GET", Self.prefix + "events", .events)
    for verb in catalog.verbs where !verb.isBound {
      if verb.scope == .read { add("GET", Self.prefix + verb.name, .verb(name: verb.name)) }
      add("POST", Self.prefix + verb.name, .verb(name: verb.name))
    }
    for short in Self.shortcuts where catalog[short.verb] != nil {
      add(short.method, short.path, .verb(name: short.verb, wrapping: short.wrapping))
    }
  }

  private mutating func add(_ method: String, _ path: String, _ route: Route) {
    entries[path, default: []].append((method, route))
  }

  public var paths: [String] { entries.keys.sorted() }

  public func methods(of path: String) -> [String] { (entries[path] ?? []).map(\.method) }

  func find(_ head: RequestHead) throws(Refusal) -> Route {
    guard let ways = entries[head.path] else { throw Refusal(404, .notFound, "there is nothing at this path") }
    let method = head.method == "HEAD" ? "GET" : head.method
    if let way = ways.first(where: { $0.method == method }) { return way.route }
    var refusal = Refusal(405, .badArgs, "this path takes \(ways.map(\.method).joined(separator: ", "))")
    refusal.headers.append(("Allow", ways.map(\.method).joined(separator: ", ")))
    throw refusal
  }
}
