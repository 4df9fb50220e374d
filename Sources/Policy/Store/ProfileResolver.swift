import Settings
import Wording

/// Puts profiles upon what they extend.
struct ProfileResolver {
  /// The last counts first.
  let layers: [ProfileStore.Layer]

  /// The profile of that name; nil when there is none.
  mutating func resolve(_ name: String) throws(SettingsErrors) -> (profile: Profile, origin: ProfilePlace.Origin)? {
    guard let layer = layers.indices.last(where: { layers[$0].texts[name] != nil }) else { return nil }
    let profile = try resolve(name, at: layer, path: [])
    let missing = profile.missingBuses
    guard missing.isEmpty else { throw SettingsErrors(missing) }
    return (profile, layers[layer].origin)
  }

  private struct Step: Equatable {
    var name: String
    var layer: Int
  }

  private func resolve(_ name: String, at layer: Int, path: [Step]) throws(SettingsErrors) -> Profile {
    guard let text = layers[layer].texts[name] else { return Profile(name: name) }
    guard let extends = text.extends else { return Profile(text, over: nil) }
    let path = path + [Step(name: name, layer: layer)]
    // A profile that extends its own name means the one that it hides.
    let below = extends.name == name ? layers[..<layer] : layers[...]
    guard let next = below.indices.last(where: { layers[$0].texts[extends.name] != nil }) else {
      throw fault(.notFound, extends, missing(extends.name, isOwn: extends.name == name))
    }
    if path.contains(Step(name: extends.name, layer: next)) {
      let round = (path.map(\.name) + [extends.name]).map { "\"\(printable($0))\"" }.joined(separator: " → ")
      throw fault(.cycle, extends, ("extends: profiles that extend each other: \(round)", nil))
    }
    guard path.count < ProfileSchema.deepestExtends else {
      throw fault(
        .tooMany, extends, ("extends: more than \(ProfileSchema.deepestExtends) profiles upon each other", nil))
    }
    return Profile(text, over: try resolve(extends.name, at: next, path: path))
  }

  private func missing(_ name: String, isOwn: Bool) -> (String, hint: String?) {
    if isOwn { return ("extends: there is no other profile \"\(printable(name))\" that this one could change", nil) }
    let names = Set(layers.flatMap(\.texts.keys)).sorted()
    return ("extends: there is no profile \"\(printable(name))\"", nearestName(to: name, among: names))
  }

  private func fault(
    _ code: SettingsError.Code, _ extends: (name: String, origin: SettingOrigin), _ what: (String, hint: String?)
  ) -> SettingsErrors {
    SettingsErrors([
      SettingsError(
        code: code, file: extends.origin.file, line: extends.origin.line, column: extends.origin.column,
        key: "extends", message: what.0, hint: what.hint.map { "\"\($0)\"" })
    ])
  }
}
