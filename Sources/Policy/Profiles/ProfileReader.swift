import Settings
import Wording

/// Reads one file of a profile. All that is wrong is gathered. Thread: any, it is a value.
struct ProfileReader {
  let vocabulary: ProfileText.Vocabulary
  var text: ProfileText
  var problems = SettingsErrors()
  private var file: String { text.file }

  init(file: String, vocabulary: ProfileText.Vocabulary) {
    self.vocabulary = vocabulary
    text = ProfileText(file: file)
  }

  mutating func read(_ bytes: [UInt8]) throws(SettingsErrors) -> ProfileText {
    parse(bytes)
    guard problems.isEmpty else { throw problems }
    return text
  }

  private mutating func parse(_ bytes: [UInt8]) {
    guard bytes.count <= ProfileSchema.fileSizeLimit else {
      return fail(.tooLarge, nil, nil, "larger than \(ProfileSchema.fileSizeLimit) bytes")
    }
    if let place = invalidUTF8(in: bytes) { return fail(.notUTF8, place, nil, "not UTF-8 text") }
    do throws(TomlProblem) {
      let document = try TomlDocument(parsing: bytes)
      guard case .table(let entries) = document.root.value else { return }
      readRoot(entries)
    } catch {
      fail(.syntax, error.place, nil, error.message)
    }
  }

  private mutating func readRoot(_ entries: [TomlNode]) {
    if let version = entries.first(where: { $0.key == "config_version" }),
      let key = ProfileSchema.main["config_version"]
    {
      // A file of another version is not worth a list of unknown keys.
      guard take(version, as: key) else { return }
    }
    for entry in entries {
      switch entry.key {
      case "config_version": break
      case "rules": readRules(entry)
      case "nodes": readNodes(entry, bus: BusDescription.processed, key: "nodes")
      case "buses": readBuses(entry)
      case "per_app": readPerApp(entry)
      case let name where ProfileSchema.sections.contains(name):
        if readStages(entry, prefix: "", bus: BusDescription.processed) { break }
        readTable(entry, prefix: "", known: ProfileSchema.main, besides: [])
      default: readTop(entry)
      }
    }
    checkName()
    checkForm(of: BusDescription.processed)
    for bus in text.busNames { checkForm(of: bus) }
    checkRoutes()
  }

  private mutating func readTop(_ entry: TomlNode) {
    guard let key = ProfileSchema.top.first(where: { $0.name == entry.key }) else {
      let near = ProfileSchema.top.map(\.name) + ProfileSchema.sections + ProfileSchema.lists
      return unknown(
        entry, entry.key, hint: nearestName(to: entry.key, among: near) ?? ProfileSchema.nearest(to: entry.key))
    }
    guard take(entry, as: key) else { return }
    let place = SettingOrigin(file: file, line: entry.place.line, column: entry.place.column)
    switch (key.name, text.values[key.name]?.value.text) {
    case ("name", let name?): text.name = name
    case ("extends", let name?): text.extends = (name, place)
    case ("chain", let name?): checkPreset(name, entry, key.name)
    default: break
    }
  }

  // MARK: Tables

  /// Reads `agc`, `compressor` or `limiter`; false when it is none of them.
  mutating func readStages(_ entry: TomlNode, prefix: String, bus: String) -> Bool {
    guard ["agc", "compressor", "limiter"].contains(entry.key) else { return false }
    text.staged.insert(bus)
    let known = prefix.isEmpty ? ProfileSchema.main : ProfileSchema.ofBus
    readTable(entry, prefix: prefix, known: known, besides: entry.key == "limiter" ? ["soft"] : [])
    guard case .table(let entries) = entry.value else { return true }
    // What is written is on, unless it says otherwise.
    if entry.key != "limiter" { turnOn("\(prefix)\(entry.key)", entry) }
    for soft in entries where entry.key == "limiter" && soft.key == "soft" {
      readTable(soft, prefix: "\(prefix)limiter.", known: known, besides: [], section: prefix)
      turnOn("\(prefix)limiter.soft", soft)
    }
    return true
  }

  private mutating func turnOn(_ section: String, _ entry: TomlNode) {
    guard text.values["\(section).enabled"] == nil else { return }
    text.values["\(section).enabled"] = PlacedValue(.flag(true), origin(entry.keyPlace))
  }

  /// Reads the keys of a table; `known` has their names without what stands before `section`.
  mutating func readTable(
    _ table: TomlNode, prefix: String, known: [String: ProfileKey], besides: [String], section: String? = nil
  ) {
    let full = "\(prefix)\(table.key)"
    let local = String(full.dropFirst((section ?? prefix).count))
    guard case .table(let entries) = table.value else {
      return fail(.wrongType, table.place, full, "\(full): expected a table, found \(table.value.typeName)")
    }
    for entry in entries where !besides.contains(entry.key) {
      // A quoted key may hold dots; ours do not.
      if !entry.key.contains("."), let key = known["\(local).\(entry.key)"] {
        _ = take(entry, as: key.renamed("\(full).\(entry.key)"))
      } else {
        let names = known.keys.filter { $0.hasPrefix("\(local).") }.map { String($0.dropFirst(local.count + 1)) }
        let near = nearestName(to: entry.key, among: names.sorted() + besides).map { "\(full).\($0)" }
        unknown(entry, "\(full).\(entry.key)", hint: near ?? ProfileSchema.nearest(to: entry.key))
      }
    }
  }

  // MARK: One key

  /// False when the value does not fit.
  mutating func take(_ entry: TomlNode, as key: ProfileKey) -> Bool {
    guard let value = accept(entry, as: key) else { return false }
    text.values[key.name] = PlacedValue(value, origin(entry.place))
    return true
  }

  mutating func accept(_ entry: TomlNode, as key: ProfileKey) -> SettingValue? {
    guard let value = SettingValue(entry.value) else {
      fail(
        .wrongType, entry.place, key.name, "\(key.name): expected \(key.kind.typeName), found \(entry.value.typeName)")
      return nil
    }
    do throws(ProfileValueProblem) {
      return try key.kind.accept(value)
    } catch {
      fail(error.code, entry.place, key.name, "\(key.name): \(error.message)", hint: error.hint)
      return nil
    }
  }

  mutating func unknown(_ entry: TomlNode, _ name: String, hint: String?) {
    let shown = printable(name)
    fail(.unknownKey, entry.keyPlace, shown, "unknown key \"\(shown)\"", hint: hint.map { "\"\($0)\"" })
  }

  mutating func fail(
    _ code: SettingsError.Code, _ place: TextPlace?, _ key: String?, _ message: String, hint: String? = nil
  ) {
    problems.add(problem(code, place, key, message, hint: hint))
  }

  mutating func warn(_ place: TextPlace?, _ key: String?, _ message: String) {
    text.warnings.append(problem(.badValue, place, key, message))
  }

  private func problem(
    _ code: SettingsError.Code, _ place: TextPlace?, _ key: String?, _ message: String, hint: String? = nil
  ) -> SettingsError {
    SettingsError(
      code: code, file: file, line: place?.line ?? 0, column: place?.column ?? 0, key: key, message: message, hint: hint
    )
  }

  func origin(_ place: TextPlace) -> ValueOrigin { .file(settingOrigin(place)) }

  func settingOrigin(_ place: TextPlace) -> SettingOrigin {
    SettingOrigin(file: file, line: place.line, column: place.column)
  }
}

extension SettingValue {
  /// Nil for what is no single value.
  init?(_ value: TomlNode.Value) {
    switch value {
    case .text(let text): self = .text(text)
    case .integer(let integer): self = .integer(integer)
    case .number(let number): self = .number(number)
    case .flag(let flag): self = .flag(flag)
    case .table, .array, .time: return nil
    }
  }
}
