import Control

/// Our answers with headroom's members and no others, so that clients with fixed types read them.
enum HeadroomAnswers {
  /// A route in headroom's two words: any bus is processing, and what clients do not hear is still heard here, untouched.
  static func route(_ ours: JSON?) -> JSON {
    guard let text = ours?.stringValue, text == "processed" || text.hasPrefix("bus:") else { return "bypass" }
    return "processed"
  }

  static func status(_ ours: JSON, version: String) -> JSON {
    [
      "version": ours["version"] ?? .string(version), "protocol": JSON(HeadroomProtocol.version),
      "uptime_s": JSON(Int(max(0, ours["uptime_s"]?.doubleValue ?? 0))), "profile": ours.text("profile"),
      "bypass": ours.flag("bypass"), "per_app": ours.flag("per_app"),
      "sinks": ["processed": sink(ours["sinks"]?["processed"]), "real": sink(ours["sinks"]?["real"])],
      "streams": streams(ours["streams"]), "layer_a": levels(ours["layer_a"]), "warnings": ours.list("warnings"),
      "setting_overrides": .object(ours["setting_overrides"]?.objectValue ?? [:]),
    ]
  }

  private static func sink(_ ours: JSON?) -> JSON {
    var sink = JSONObject()
    if let node = ours?["node_id"]?.intValue { sink["node_id"] = JSON(node) }
    if let name = ours?["name"]?.stringValue { sink["name"] = .string(name) }
    sink["ready"] = ours?.flag("ready") ?? false
    if let rate = ours?["sample_rate"]?.intValue { sink["sample_rate"] = JSON(rate) }
    return .object(sink)
  }

  private static func streams(_ ours: JSON?) -> JSON {
    .array(
      (ours?.arrayValue ?? []).map {
        ["node_id": $0.count("node_id"), "app": $0.text("app"), "route": route($0["route"])]
      })
  }

  static func levels(_ ours: JSON?) -> JSON {
    .array(
      (ours?.arrayValue ?? []).map { one in
        var level: JSONObject = [
          "node_id": one.count("node_id"), "app": one.text("app"), "managed": one.flag("managed"),
          "volume_lin": one.number("volume_lin", missing: 1), "reduction_db": one.number("reduction_db"),
          "deferred": one.flag("deferred"),
        ]
        if let ceiling = one["user_ceiling_lin"]?.doubleValue { level["user_ceiling_lin"] = JSON(ceiling) }
        return .object(level)
      })
  }

  static func profiles(_ ours: JSON) -> JSON {
    [
      "profiles": .array(
        (ours["profiles"]?.arrayValue ?? []).map {
          ["name": $0.text("name"), "active": $0.flag("active"), "description": $0.text("description")]
        })
    ]
  }

  /// What we have and headroom has not stays: a profile is shown, not read.
  static func profile(_ ours: JSON) -> JSON {
    guard var profile = ours.objectValue else { return ours }
    profile["rules"] = rules(profile["rules"])
    if var section = profile["default_route"]?.objectValue {
      section["route"] = route(section["route"])
      profile["default_route"] = .object(section)
    }
    return .object(profile)
  }

  static func routes(_ ours: JSON) -> JSON {
    [
      "rules": rules(ours["rules"]), "current": streams(ours["current"]), "default_route": route(ours["default_route"]),
    ]
  }

  private static func rules(_ ours: JSON?) -> JSON {
    .array(
      (ours?.arrayValue ?? []).map {
        ["match": .object($0["match"]?.objectValue ?? [:]), "route": route($0["route"])]
      })
  }

  /// Every value of the profile in use by its dotted name.
  static func settings(_ ours: JSON) -> JSON {
    let values = (ours["origins"]?.arrayValue ?? []).compactMap { entry in
      entry["key"]?.stringValue.map { ($0, entry["value"] ?? .null) }
    }
    return ["settings": .object(JSONObject(values))]
  }
}

/// Members with the type that a client expects, whatever we say.
extension JSON {
  func text(_ name: String) -> JSON { .string(self[name]?.stringValue ?? "") }
  func flag(_ name: String) -> JSON { .bool(self[name]?.boolValue ?? false) }
  func list(_ name: String) -> JSON { .array(self[name]?.arrayValue ?? []) }
  func count(_ name: String) -> JSON { JSON(max(0, self[name]?.intValue ?? 0)) }

  func number(_ name: String, missing: Double = 0) -> JSON {
    guard let value = self[name]?.doubleValue, value.isFinite else { return JSON(missing) }
    return JSON(value)
  }
}
