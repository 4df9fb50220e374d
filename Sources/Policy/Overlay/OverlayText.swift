import Settings
import Wording

extension Overlay {
  /// As a file, for `init(text:)`.
  public var text: String {
    var lines = [
      "# Changed while streamd runs; it writes this file itself.", "config_version = \(ProfileSchema.version)",
    ]
    if let activeProfile { lines.append("profile = \(SettingValue.text(activeProfile))") }
    lines.append("bypass = \(isBypassed)")
    if let keepsLevels { lines.append("per_app = \(keepsLevels)") }
    if !settings.isEmpty { lines += ["", "[settings]"] }
    for (key, value) in settings.sorted(by: { $0.key < $1.key }) { lines.append("\"\(key)\" = \(value)") }
    for route in routes {
      lines += ["", "[[routes]]", "app = \(SettingValue.text(route.app.text))"]
      lines.append("route = \(SettingValue.text(route.route.description))")
    }
    for level in levels {
      lines += ["", "[[levels]]", "app = \(SettingValue.text(level.app.text))", "enabled = \(level.isEnabled)"]
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Reads what `text` wrote. Of a damaged file all is kept that can be read; `notes` say what could not.
  public init(text: String) {
    var notes: [String] = []
    self.init(text: text, notes: &notes)
  }

  public init(text: String, notes: inout [String]) {
    self.init()
    guard text.utf8.count <= ProfileSchema.fileSizeLimit else {
      notes.append("larger than \(ProfileSchema.fileSizeLimit) bytes: nothing of it was read")
      return
    }
    var reader = OverlayReader()
    if let whole = OverlayReader.entries(text) {
      reader.read(whole)
    } else {
      reader.salvage(text)
    }
    self = reader.overlay
    notes += reader.notes
  }
}

private struct OverlayReader {
  var overlay = Overlay()
  private(set) var notes: [String] = []
  private static let mostNotes = 20

  static func entries(_ text: String) -> [TomlNode]? {
    let bytes = Array(text.utf8)
    guard let document = try? TomlDocument(parsing: bytes), case .table(let entries) = document.root.value else {
      return nil
    }
    return entries
  }

  private mutating func note(_ text: String) {
    if notes.count < Self.mostNotes { notes.append(text) }
  }

  mutating func read(_ entries: [TomlNode]) {
    for entry in entries {
      switch (entry.key, entry.value) {
      case ("config_version", .integer(ProfileSchema.version)): break
      case ("profile", .text(let name)): overlay.activeProfile = name
      case ("bypass", .flag(let flag)): overlay.isBypassed = flag
      case ("per_app", .flag(let flag)): overlay.keepsLevels = flag
      case ("settings", .table(let settings)):
        for setting in settings { readSetting(setting) }
      case ("routes", .array(let items)):
        for item in items { readApp(item, "routes") }
      case ("levels", .array(let items)):
        for item in items { readApp(item, "levels") }
      default: note("line \(entry.keyPlace.line): \"\(printable(entry.key))\" is not understood")
      }
    }
  }

  private mutating func readSetting(_ node: TomlNode) {
    guard let value = SettingValue(node.value) else {
      return note("line \(node.place.line): \"\(printable(node.key))\" is no value")
    }
    do throws(SettingsError) {
      try overlay.set(node.key, value)
    } catch {
      note("line \(node.place.line): \(error.message)")
    }
  }

  private mutating func readApp(_ node: TomlNode, _ list: String) {
    guard case .table(let entries) = node.value else {
      return note("line \(node.place.line): an entry of \"\(list)\" is no table")
    }
    let values = Dictionary(entries.map { ($0.key, SettingValue($0.value)) }, uniquingKeysWith: { $1 })
    guard let app = values["app"]??.text else {
      return note("line \(node.place.line): an entry of \"\(list)\" has no \"app\"")
    }
    do throws(SettingsError) {
      if list == "routes", let route = values["route"]??.text.flatMap({ Route($0) }) {
        try overlay.setRoute(app: app, route)
      } else if list == "levels", let enabled = values["enabled"]??.flag {
        try overlay.setLevels(app: app, isEnabled: enabled)
      } else {
        note("line \(node.place.line): what \"\(list)\" says of \"\(printable(app))\" is not understood")
      }
    } catch {
      note("line \(node.place.line): \(error.message)")
    }
  }

  /// Reads section by section, and line by line where a section cannot be read either.
  mutating func salvage(_ text: String) {
    note("the file is damaged: kept is what could be read")
    var section: [Substring] = []
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) + ["[" as Substring] {
      if line.hasPrefix("["), !section.isEmpty {
        salvage(section)
        section = []
      }
      section.append(line)
    }
  }

  private mutating func salvage(_ section: [Substring]) {
    if let entries = Self.entries(section.joined(separator: "\n")) { return read(entries) }
    let head = section[0].hasPrefix("[") ? section[0] : ""
    // An entry of a list is whole or of no use.
    guard !head.hasPrefix("[[") else { return note("lost: \(printable(section.joined(separator: " ")))") }
    for line in section.dropFirst(head.isEmpty ? 0 : 1) where !line.isEmpty {
      if let entries = Self.entries("\(head)\n\(line)") {
        read(entries)
      } else {
        note("lost: \(printable(String(line)))")
      }
    }
  }
}
