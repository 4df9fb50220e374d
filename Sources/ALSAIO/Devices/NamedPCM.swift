import AudioIO
import CALSASystem

/// A PCM that ALSA's configuration names, and that is opened by this name alone.
struct NamedPCM: Equatable {
  var name: String
  var description: String
  var directions: [DeviceDirection]

  /// What ALSA keeps for itself, and forms of the cards that are listed as what they are.
  private static let plumbing: Set<String> = ["empty", "cards", "hw", "plughw"]
  private static let most = 256

  /// All of a configuration: those that want no arguments.
  static func all(in top: OpaquePointer) -> [NamedPCM] {
    var found: OpaquePointer?
    guard snd_config_search(top, "pcm", &found) >= 0, let pcms = found else { return [] }
    var all: [NamedPCM] = []
    for entry in entries(of: pcms) {
      guard all.count < most, let name = text({ snd_config_get_id(entry, $0) }), !plumbing.contains(name),
        let pcm = read(name, resolved(entry, in: top))
      else { continue }
      all.append(pcm)
    }
    return all.sorted { $0.name < $1.name }
  }

  /// `pcm.!default pcm.card` names another one.
  private static func resolved(_ entry: OpaquePointer, in top: OpaquePointer) -> OpaquePointer {
    var entry = entry
    for _ in 0..<8 {
      guard let other = text({ snd_config_get_string(entry, $0) }) else { break }
      var found: OpaquePointer?
      guard snd_config_search(top, other.contains(".") ? other : "pcm." + other, &found) >= 0, let found else { break }
      entry = found
    }
    return entry
  }

  private static func read(_ name: String, _ entry: OpaquePointer) -> NamedPCM? {
    guard snd_config_get_type(entry) == SND_CONFIG_TYPE_COMPOUND else { return nil }
    var found: OpaquePointer?
    guard snd_config_search(entry, "type", &found) >= 0 else { return nil }
    let hint = { (key: String) -> String? in
      var value: OpaquePointer?
      guard snd_config_search(entry, "hint." + key, &value) >= 0, let value else { return nil }
      return text { snd_config_get_string(value, $0) }
    }
    // What wants arguments is a way to write many names, unless it says that it can do without.
    let wantsWords = snd_config_search(entry, "@args", &found) >= 0
    if hint("show") == "off" || wantsWords && hint("show") != "on" { return nil }
    let directions: [DeviceDirection] =
      switch hint("ioid") {
      case "Input": [.input]
      case "Output": [.output]
      default: [.input, .output]
      }
    return NamedPCM(name: name, description: hint("description") ?? "", directions: directions)
  }

  private static func entries(of node: OpaquePointer) -> [OpaquePointer] {
    var entries: [OpaquePointer] = []
    var place = snd_config_iterator_first(node)
    let end = snd_config_iterator_end(node)
    while let at = place, at != end {
      if let entry = snd_config_iterator_entry(at) { entries.append(entry) }
      place = snd_config_iterator_next(at)
    }
    return entries
  }

  private static func text(_ read: (UnsafeMutablePointer<UnsafePointer<CChar>?>) -> Int32) -> String? {
    var value: UnsafePointer<CChar>?
    guard read(&value) >= 0, let value else { return nil }
    return String(cString: value)
  }
}
