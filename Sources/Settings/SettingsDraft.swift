import Wording

/// Settings while files are still being read: what was set, where, and what was wrong.
///
/// Files are merged before anything is filled in, so that a session's missing keys fall back to the last word of all
/// files, not to what its own file said. Thread: any, it is a value.
struct SettingsDraft {
  struct Placed {
    var value: SettingValue
    var origin: SettingOrigin
  }

  struct SessionDraft {
    var place: SettingOrigin
    /// By the name without its section.
    var values: [String: Placed] = [:]
  }

  private(set) var problems = SettingsErrors()
  private var files: [String] = []
  private var values: [String: Placed] = [:]
  private var sessions: [SessionDraft] = []
  private var channels = Settings.Channels()

  /// Merges one file over what is there: keys override, sessions are appended.
  mutating func merge(_ bytes: [UInt8], file: String) {
    files.append(file)
    guard bytes.count <= Settings.fileSizeLimit else {
      add(.tooLarge, file, nil, nil, "larger than \(Settings.fileSizeLimit) bytes")
      return
    }
    if let place = invalidUTF8(in: bytes) {
      add(.notUTF8, file, place, nil, "not UTF-8 text")
      return
    }
    do throws(TomlProblem) {
      let document = try TomlDocument(parsing: bytes)
      guard case .table(let entries) = document.root.value else { return }
      mergeRoot(entries, file)
    } catch {
      add(.syntax, file, error.place, nil, error.message)
    }
  }

  mutating func fail(_ error: SettingsError) { problems.add(error) }

  /// The settings, or everything that is wrong.
  func finish() throws(SettingsErrors) -> Settings {
    var settings = Settings()
    var problems = problems
    settings.files = files
    settings.channels = channels
    for slot in SettingTable.sections.flatMap(\.slots) {
      guard let placed = values[slot.key.name] else { continue }
      settings.origins[slot.key.name] = placed.origin
      if !slot.put(&settings, placed.value) { problems.add(placed.origin.unfit(slot.key.name)) }
    }
    var names: [String: SettingOrigin] = [:]
    for draft in sessions {
      guard let session = draft.session(within: settings, &problems) else { continue }
      if let other = names[session.name] {
        let place = draft.values["name"]?.origin ?? draft.place
        problems.add(
          place.error(.duplicateName, "session.name", "session \"\(session.name)\" is already defined at \(other)"))
        continue
      }
      names[session.name] = draft.values["name"]?.origin ?? draft.place
      settings.sessions.append(session)
    }
    guard problems.isEmpty else { throw problems }
    return settings
  }

  // MARK: One file

  private mutating func mergeRoot(_ entries: [TomlNode], _ file: String) {
    if let version = entries.first(where: { $0.key == SettingTable.version.name }) {
      // A file of another version is not worth a list of unknown keys.
      guard accept(version, as: SettingTable.version, file) != nil else { return }
    }
    for entry in entries where entry.key != SettingTable.version.name {
      if entry.key == "session" {
        mergeSessions(entry, file)
      } else if entry.key == "channels" {
        mergeChannels(entry, file)
      } else if SettingTable.sections.contains(where: { $0.name == entry.key }) {
        mergeSection(entry, file)
      } else {
        let sections = SettingTable.sections.map(\.name) + ["channels", "session", SettingTable.version.name]
        unknown(entry, entry.key, file, near: sections)
      }
    }
  }

  private mutating func mergeSection(_ section: TomlNode, _ file: String) {
    guard case .table(let entries) = section.value else {
      add(.wrongType, file, section.place, section.key, "expected a table, found \(section.value.typeName)")
      return
    }
    let known = SettingTable.sections.first { $0.name == section.key }?.slots.map(\.key.leaf) ?? []
    for entry in entries {
      let name = "\(section.key).\(entry.key)"
      if let slot = SettingTable.slots[name] {
        if let placed = accept(entry, as: slot.key, file) { values[name] = placed }
      } else {
        unknown(entry, name, file, near: known, in: section.key)
      }
    }
  }

  private mutating func mergeChannels(_ node: TomlNode, _ file: String) {
    do throws(SettingsErrors) {
      channels = try channels.applying(SettingTree(node, file: file), in: "channels")
    } catch {
      for problem in error.errors { fail(problem) }
    }
  }

  private mutating func mergeSessions(_ node: TomlNode, _ file: String) {
    guard case .array(let items) = node.value else {
      let message = "expected [[session]] tables, found \(node.value.typeName)"
      add(.wrongType, file, node.place, "session", message)
      return
    }
    for item in items {
      guard sessions.count < Settings.sessionLimit else {
        add(.tooMany, file, item.place, "session", "more than \(Settings.sessionLimit) sessions")
        return
      }
      guard case .table(let entries) = item.value else {
        add(.wrongType, file, item.place, "session", "expected a table, found \(item.value.typeName)")
        continue
      }
      mergeSession(entries, at: item.place, file)
    }
  }

  private mutating func mergeSession(_ entries: [TomlNode], at place: TextPlace, _ file: String) {
    var draft = SessionDraft(place: SettingOrigin(file: file, line: place.line, column: place.column))
    var refused: Set<String> = []
    for entry in entries {
      if let key = SettingTable.sessionKeys.first(where: { $0.leaf == entry.key }) {
        draft.values[entry.key] = accept(entry, as: key, file)
        if draft.values[entry.key] == nil { refused.insert(entry.key) }
      } else {
        unknown(entry, "session.\(entry.key)", file, near: SettingTable.sessionKeys.map(\.leaf), in: "session")
      }
    }
    let missing = SettingTable.sessionRequired.filter { draft.values[$0.leaf] == nil && !refused.contains($0.leaf) }
    for key in missing {
      add(.missingKey, file, place, key.name, "a session needs \"\(key.leaf)\"")
    }
    if missing.isEmpty, refused.isEmpty { sessions.append(draft) }
  }

  // MARK: One key

  private mutating func accept(_ entry: TomlNode, as key: SettingKey, _ file: String) -> Placed? {
    let place = entry.place
    do throws(SettingProblem) {
      let value = try key.kind.accept(entry.value)
      return Placed(value: value, origin: SettingOrigin(file: file, line: place.line, column: place.column))
    } catch {
      add(error.code, file, place, key.name, "\(key.name): \(error.message)", hint: error.hint)
      return nil
    }
  }

  /// Names the nearest key of the same section, else the section a key of that very name belongs to.
  private mutating func unknown(
    _ entry: TomlNode, _ name: String, _ file: String, near: [String], in section: String? = nil
  ) {
    let prefix = section.map { "\($0)." } ?? ""
    let elsewhere = SettingTable.slots.keys.filter { $0.hasSuffix(".\(entry.key)") }.sorted().first
    let hint = nearestName(to: entry.key, among: near).map { prefix + $0 } ?? elsewhere
    let shown = printable(name)
    add(
      .unknownKey, file, entry.keyPlace, shown, "unknown key \"\(shown)\"", hint: hint.map { "\"\($0)\"" })
  }

  private mutating func add(
    _ code: SettingsError.Code, _ file: String, _ place: TextPlace?, _ key: String?, _ message: String,
    hint: String? = nil
  ) {
    problems.add(
      SettingsError(
        code: code, file: file, line: place?.line ?? 0, column: place?.column ?? 0, key: key, message: message,
        hint: hint))
  }
}

extension SettingsDraft.SessionDraft {
  fileprivate func session(within settings: Settings, _ problems: inout SettingsErrors) -> Settings.Session? {
    guard let name = values["name"].flatMap({ String(setting: $0.value) }),
      let to = values["to"].flatMap({ Settings.Endpoint(setting: $0.value) })
    else {
      problems.add(place.unfit("session"))
      return nil
    }
    var session = Settings.Session(name: name, to: to, capture: settings.capture, stream: settings.stream)
    session.origins = values.mapValues(\.origin)
    for slot in SettingTable.sessionSlots {
      guard let placed = values[slot.key.leaf] else { continue }
      if !slot.put(&session, placed.value) { problems.add(placed.origin.unfit(slot.key.name)) }
    }
    return session
  }
}

extension SettingOrigin {
  fileprivate func error(_ code: SettingsError.Code, _ key: String, _ message: String) -> SettingsError {
    SettingsError(code: code, file: file, line: line, column: column, key: key, message: message)
  }

  /// A value the kind let through but the type cannot hold: the table contradicts itself, and says so.
  fileprivate func unfit(_ key: String) -> SettingsError { error(.badValue, key, "\(key): cannot hold this value") }
}

/// The place of the first byte that is not UTF-8, in lines and code points as the parser counts them.
public func invalidUTF8(in bytes: [UInt8]) -> TextPlace? {
  do throws(Unicode.UTF8.ValidationError) {
    _ = try UTF8Span(validating: bytes.span)
    return nil
  } catch {
    let before = bytes[..<error.byteOffsets.lowerBound]
    let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    let lines = before.count { $0 == UInt8(ascii: "\n") }
    let column = before[lineStart...].count { $0 & 0xC0 != 0x80 }
    return TextPlace(line: lines + 1, column: column + 1)
  }
}
