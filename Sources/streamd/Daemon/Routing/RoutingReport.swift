import AudioCore
import AudioIO
import Control
import Mixer
import Policy
import Wiring
import Wording

/// What the room says of profiles, routes, settings and levels.
extension RoutingRoom {
  // MARK: Profiles

  func profiles() -> JSON {
    [
      "profiles": .array(
        store.entries.map { entry in
          var json: JSONObject = [
            "name": .string(entry.name), "active": .bool(entry.name == effective?.profile.name),
            "description": .string(entry.description), "origin": .string(entry.origin.rawValue),
          ]
          if let file = entry.file { json["file"] = .string(file) }
          if !entry.warnings.isEmpty { json["warnings"] = JSON(entry.warnings.map { "\($0)" }) }
          return .object(json)
        }),
      "warnings": JSON(warnings),
    ]
  }

  func show(_ name: String?) throws(ControlError) -> JSON {
    let profile = try self.profile(name)
    var result = JSONObject()
    for entry in profile.listing { result.put(entry.key.split(separator: ".").map { String($0) }, entry.value.json) }
    result["name"] = .string(profile.name)
    result["description"] = .string(profile.description)
    result["rules"] = rules(profile.rules)
    return .object(result)
  }

  func diff(from old: String?, to new: String) throws(ControlError) -> JSON {
    let (before, after) = (try profile(old), try profile(new))
    let change = ProfileChange(from: before, to: after)
    return [
      "kind": .string("\(change.extent)"),
      "changes": .array(
        change.keys.map { key in
          var json: JSONObject = ["key": .string(key)]
          if let value = before.value(of: key) { json["from"] = value.json }
          if let value = after.value(of: key) { json["to"] = value.json }
          return .object(json)
        }),
    ]
  }

  // MARK: Routes

  func routes() -> JSON {
    let profile = effective?.profile
    return [
      "rules": rules(profile?.rules ?? []),
      "overrides": .array(
        overlay.routes.map { ["app": .string($0.app.text), "to": .string("\($0.route)")] }),
      "default_route": profile.map { .string("\($0.defaultRoute)") } ?? .null,
      "current": streamReports,
    ]
  }

  private func rules(_ rules: [RouteRule]) -> JSON {
    .array(
      rules.map { rule in
        let patterns = rule.match.patterns.sorted { $0.key < $1.key }
        return [
          "match": .object(JSONObject(patterns.map { ($0.key.rawValue, JSON($0.value.map(\.text))) })),
          "match_text": .string("\(rule.match)"), "route": .string("\(rule.route)"),
        ]
      })
  }

  var streamReports: JSON {
    let held = reconciler.held
    return .array(
      streams.all.map { row in
        var json: JSONObject = [
          "node_id": JSON(Int(row.stream.id.node)), "app": .string(row.labels.title),
          "route": .string(row.decision.map { "\($0.route)" } ?? "pending"),
          "reason": .string(row.decision.map { "\($0.reason)" } ?? ""), "sinks": JSON(row.stream.sinks),
          "state": .string(row.stream.state.rawValue), "channels": JSON(row.stream.channels),
        ]
        if let note = row.decision?.note { json["note"] = .string(note) }
        if let hold = held[row.stream.id.node] { json["note"] = .string("left alone: \(hold)") }
        json["labels"] = .object(
          JSONObject(
            LabelField.allCases.compactMap { field in
              let values = row.labels[field]
              return values.isEmpty ? nil : (field.rawValue, JSON(values))
            }))
        return .object(json)
      })
  }

  // MARK: Levels

  func levelReports() -> JSON {
    .array(
      levels.snapshots.map { one in
        let snapshot = one.snapshot
        var json: JSONObject = [
          "node_id": JSON(Int(one.node)), "app": .string(one.app), "managed": .bool(!snapshot.isDeferred),
          "volume_lin": JSON(Double(snapshot.volumes.max() ?? 0)), "reduction_db": JSON(snapshot.reduction),
          "deferred": .bool(snapshot.isDeferred),
        ]
        if let ceiling = snapshot.ceiling?.max() { json["user_ceiling_lin"] = JSON(Double(ceiling)) }
        return .object(json)
      })
  }

  func levelList() -> JSON { ["layer_a": levelReports()] }

  // MARK: Status

  /// Beside the other sections of `status`.
  func addStatus(to status: inout JSONObject) {
    status["profile"] = effective.map { .string($0.profile.name) } ?? .null
    status["bypass"] = .bool(overlay.isBypassed)
    status["profile_missing"] = .bool(isProfileMissing)
    status["per_app"] = .bool(effective?.profile.keepsLevels ?? false)
    guard effective != nil else { return }
    var sinks = JSONObject()
    if let processed = buses[BusDescription.processed] {
      let isReady = if case .running = processed.facts.sink { true } else { false }
      var json: JSONObject = ["name": .string(processed.sinkName), "ready": .bool(isReady), "sample_rate": 48_000]
      if let sink = book.sinks.first(where: { $0.name == processed.sinkName }) { json["node_id"] = JSON(sink.node) }
      sinks["processed"] = .object(json)
    }
    if let real = realSink {
      var json: JSONObject = ["node_id": JSON(real.node), "name": .string(real.name), "ready": true]
      if let rate = real.rate { json["sample_rate"] = JSON(rate.hertz) }
      sinks["real"] = .object(json)
    }
    status["sinks"] = .object(sinks)
    status["buses"] = .array(buses.keys.sorted().compactMap { name in buses[name].map { report(of: $0) } })
    status["streams"] = streamReports
    status["layer_a"] = levelReports()
    status["warnings"] = JSON(warnings)
    status["setting_overrides"] = .object(JSONObject(overlay.settings.map { ($0.key, $0.value.json) }))
  }

  private func report(of bus: RouteBus) -> JSON {
    let facts = bus.facts
    var json: JSONObject = [
      "name": .string(bus.name), "sink": .string(bus.sinkName), "channels": JSON(facts.layout.names),
      "players": JSON(facts.players), "is_driven": .bool(facts.isDriven), "load": JSON(facts.graph.meanLoad),
      "latency_ms": JSON(facts.latency.duration(at: .codec).milliseconds),
      "underruns": JSON(facts.copy.underruns), "overruns": JSON(facts.copy.overruns),
    ]
    switch facts.sink {
    case .running: json["state"] = "running"
    case .stopped: json["state"] = "stopped"
    case .waiting(let error):
      json["state"] = "waiting"
      json["reason"] = .string("\(error)")
    }
    if case .running(let device) = facts.copy.state { json["plays_to"] = .string(device) }
    var readings = JSONObject()
    for entry in bus.readings() where !entry.values.isEmpty {
      readings[entry.node.name] = .object(
        JSONObject(entry.values.map { ($0.name, $0.value.isFinite ? JSON($0.value) : .null) }))
    }
    json["readings"] = .object(readings)
    return .object(json)
  }
}

extension JSONObject {
  /// Sets what stands at that path, making objects on the way.
  fileprivate mutating func put(_ path: [String], _ value: JSON) {
    guard let first = path.first else { return }
    guard path.count > 1 else {
      self[first] = value
      return
    }
    var inner = self[first]?.objectValue ?? JSONObject()
    inner.put(Array(path.dropFirst()), value)
    self[first] = .object(inner)
  }
}
