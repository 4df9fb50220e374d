import Control

/// An operation of headroom's: what it takes, what it is called here, and what its answer is made of.
struct HeadroomOperation: Sendable {
  enum Kind: Sendable {
    /// Answered by the translation itself.
    case hello
    case subscribe, unsubscribe
    /// An operation of ours.
    case ours(String, @Sendable (JSON, _ version: String) -> JSON)
  }

  let name: String
  /// Arguments it needs, and those it takes besides. Their types are checked by what is asked.
  let required: [String]
  let optional: [String]
  let kind: Kind

  private init(_ name: String, _ required: [String] = [], optional: [String] = [], _ kind: Kind) {
    self.name = name
    self.required = required
    self.optional = optional
    self.kind = kind
  }

  private init(
    _ name: String, _ required: [String] = [], optional: [String] = [],
    answer: @escaping @Sendable (JSON, _ version: String) -> JSON
  ) { self.init(name, required, optional: optional, .ours(name, answer)) }

  private static let nothing: @Sendable (JSON, String) -> JSON = { _, _ in .null }

  static let all: [HeadroomOperation] = [
    HeadroomOperation("hello", optional: ["protocol"], .hello),
    HeadroomOperation("subscribe", ["topics"], .subscribe),
    HeadroomOperation("unsubscribe", ["topics"], .unsubscribe),
    HeadroomOperation("status") { HeadroomAnswers.status($0, version: $1) },
    HeadroomOperation("profile.list") { answer, _ in HeadroomAnswers.profiles(answer) },
    HeadroomOperation("profile.use", ["name"]) { answer, _ in
      ["name": answer["name"] ?? ""]
    },
    HeadroomOperation("profile.show", optional: ["name"]) { answer, _ in HeadroomAnswers.profile(answer) },
    HeadroomOperation("profile.reload") { answer, _ in
      ["reloaded": answer["reloaded"] ?? [], "warnings": answer["warnings"] ?? []]
    },
    HeadroomOperation("route.list") { answer, _ in HeadroomAnswers.routes(answer) },
    HeadroomOperation("route.set", ["app", "to"], answer: nothing),
    HeadroomOperation("route.unset", ["app"], answer: nothing),
    HeadroomOperation("route.stream", ["node_id", "to"], answer: nothing),
    HeadroomOperation("setting.get", ["key"]) { answer, _ in
      ["key": answer["key"] ?? "", "value": answer["value"] ?? .null]
    },
    HeadroomOperation("setting.set", ["key", "value"], answer: nothing),
    HeadroomOperation("setting.list") { answer, _ in HeadroomAnswers.settings(answer) },
    HeadroomOperation("setting.clear", ["key"]) { answer, _ in
      ["key": answer["key"] ?? "", "cleared": answer["cleared"] ?? false]
    },
    HeadroomOperation("setting.reset") { answer, _ in ["cleared": answer["cleared"] ?? 0] },
    HeadroomOperation("bypass.set", ["enabled"], answer: nothing),
    HeadroomOperation("per-app.list") { answer, _ in ["layer_a": HeadroomAnswers.levels(answer["layer_a"])] },
    HeadroomOperation("per-app.set", ["app", "enabled"], answer: nothing),
    HeadroomOperation("per-app.master", ["enabled"], answer: nothing),
    HeadroomOperation("per-app.reset", ["node_id"], answer: nothing),
  ]

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  static subscript(name: String) -> HeadroomOperation? { byName[name] }

  /// Its own arguments; what else is there is left out, as headroom does.
  func read(_ arguments: JSONObject) throws(ControlError) -> JSONObject {
    var known = JSONObject()
    for name in required + optional {
      guard let value = arguments[name], !value.isNull else { continue }
      known[name] = value
    }
    for name in required where known[name] == nil { throw ControlError(.badArgs, "missing", path: name) }
    return known
  }
}
