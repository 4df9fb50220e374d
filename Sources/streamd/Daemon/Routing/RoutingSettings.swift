import Control
import Policy
import Settings

/// What the user sets in the place of the profile's values.
extension RoutingRoom {
  func setting(_ key: String) throws(ControlError) -> JSON {
    let profile = try self.profile(nil)
    guard ProfileSchema.key(key) != nil else {
      throw ControlError(
        .notFound, "unknown key \"\(key.prefix(64))\"", path: "key",
        hint: ProfileSchema.nearest(to: key).map { "did you mean \($0)?" })
    }
    return [
      "key": .string(key), "value": profile.value(of: key)?.json ?? .null,
      "origin": .string("\(profile.origin(of: key))"),
    ]
  }

  func set(_ key: String, to json: JSON) throws(ControlError) -> JSON {
    guard let value = SettingValue(json) else {
      throw ControlError(.badArgs, "a number, a text, true or false is expected", path: "value")
    }
    let accepted = try edit { (overlay) throws(SettingsError) in try overlay.set(key, value) }
    bus.publish("profile", ["kind": "set", "key": .string(key), "value": accepted.json])
    var result: JSONObject = ["key": .string(key), "value": accepted.json]
    if effective == nil {
      result["note"] = "no profile is in use"
    } else if let note = effective?.notes.first(where: { $0.hasPrefix(key + " ") }) {
      result["note"] = .string(note)
    }
    return .object(result)
  }

  func settings(of name: String?) throws(ControlError) -> JSON {
    let profile = effective == nil && name == nil ? nil : try self.profile(name)
    return [
      "settings": .object(JSONObject(overlay.settings.sorted { $0.key < $1.key }.map { ($0.key, $0.value.json) })),
      "origins": .array(
        (profile?.listing ?? []).map { entry in
          ["key": .string(entry.key), "value": entry.value.json, "origin": .string("\(entry.origin)")]
        }), "notes": JSON(effective?.notes ?? []),
    ]
  }

  func clear(_ key: String) throws(ControlError) -> JSON {
    let was = try edit { (overlay) throws(SettingsError) in try overlay.clear(key) }
    if was { bus.publish("profile", ["kind": "cleared", "key": .string(key)]) }
    return ["key": .string(key), "cleared": .bool(was)]
  }

  func resetSettings() throws(ControlError) -> JSON {
    let count = try edit { (overlay) throws(SettingsError) in overlay.reset() }
    if count > 0 { bus.publish("profile", ["kind": "reset", "cleared": JSON(count)]) }
    return ["cleared": JSON(count)]
  }

  // MARK: Levels

  func keepLevel(of app: String, _ isOn: Bool) throws(ControlError) {
    try edit { (overlay) throws(SettingsError) in try overlay.setLevels(app: app, isEnabled: isOn) }
  }

  func keepLevels(_ isOn: Bool) throws(ControlError) {
    try edit { (overlay) throws(SettingsError) in overlay.keepsLevels = isOn }
  }

  func resetLevel(of node: Int) throws(ControlError) {
    guard let number = UInt32(exactly: node), levels.reset(number) else {
      throw ControlError(
        .notFound, "the level of stream \(node) is not kept", path: "node_id", hint: "streamctl per-app")
    }
  }
}
