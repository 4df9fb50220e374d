import Control
import Glibc
import GraphFiles
import Mixer
import Policy
import Settings

/// Reads files as the daemon would, and says what is wrong with them.
enum ConfigCheck {
  enum Kind: String {
    case profile, settings
  }

  struct Finding {
    /// What was read: a file, or all of a kind.
    var title: String
    var kind: Kind
    var errors: [SettingsError]
    /// Mistakes beyond those that are named.
    var omitted = 0
    var warnings: [SettingsError] = []

    var lines: [String] {
      errors.map(\.description) + (omitted > 0 ? ["\(title): and \(omitted) more"] : [])
        + warnings.map { "warning: \($0)" }
    }

    var json: JSON {
      [
        "file": .string(title), "kind": .string(kind.rawValue), "ok": .bool(errors.isEmpty),
        "errors": .array(errors.map(\.json)), "omitted": JSON(omitted), "warnings": .array(warnings.map(\.json)),
      ]
    }
  }

  private static var vocabulary: ProfileText.Vocabulary {
    ProfileText.Vocabulary(presets: ChainPresets.all.map(\.name), nodeKinds: NodeCatalog.linked.kinds.map(\.kind))
  }

  /// The configuration in its usual place, and every profile there is.
  static func everything() -> [Finding] {
    var settings = Finding(title: "configuration", kind: .settings, errors: [])
    do throws(SettingsErrors) { _ = try Settings.load() } catch { settings.take(error) }
    let store = loaded(besides: [])
    let profiles = Finding(
      title: "\(store.entries.count) profiles", kind: .profile, errors: store.errors,
      warnings: store.entries.flatMap(\.warnings))
    return [settings, profiles]
  }

  /// Each of these files; what a profile extends is looked for beside it and where profiles are.
  static func check(_ files: [String], as kind: Kind?) -> [Finding] {
    var folders: [String] = []
    for folder in files.map({ directory(of: $0) }) where !folders.contains(folder) { folders.append(folder) }
    let store = loaded(besides: folders)
    return files.map { check($0, as: kind, store) }
  }

  private static func check(_ file: String, as kind: Kind?, _ store: ProfileStore) -> Finding {
    let bytes: [UInt8]
    do throws(SettingsError) { bytes = try DiskFiles().read(file) } catch {
      return Finding(title: file, kind: kind ?? .profile, errors: [error])
    }
    switch kind {
    case .profile: return profile(bytes, file, store)
    case .settings: return settings(bytes, file)
    case nil:
      let (profile, settings) = (profile(bytes, file, store), settings(bytes, file))
      return profile.strangeness <= settings.strangeness ? profile : settings
    }
  }

  private static func settings(_ bytes: [UInt8], _ file: String) -> Finding {
    var finding = Finding(title: file, kind: .settings, errors: [])
    do throws(SettingsErrors) { _ = try Settings.parse(bytes, name: file) } catch { finding.take(error) }
    return finding
  }

  private static func profile(_ bytes: [UInt8], _ file: String, _ store: ProfileStore) -> Finding {
    var finding = Finding(title: file, kind: .profile, errors: [])
    do throws(SettingsErrors) {
      finding.warnings = try ProfileText(bytes, file: file, vocabulary: vocabulary).warnings
      // What only shows beside other files.
      finding.errors = store.errors.filter { $0.file == file }
      if let entry = store.entries.first(where: { $0.file == file }) { finding.warnings = entry.warnings }
    } catch { finding.take(error) }
    return finding
  }

  /// All profiles, with those of these folders before all others.
  private static func loaded(besides folders: [String]) -> ProfileStore {
    var environment: [String: String] = [:]
    for name in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_DATA_DIRS"] {
      environment[name] = getenv(name).map { String(cString: $0) }
    }
    var path = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &path, path.count - 1)
    let executable = count > 0 ? String(decoding: path[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : nil
    var store = ProfileStore(
      places: ProfilePlace.all(environment: environment, executable: executable, extra: folders),
      vocabulary: vocabulary)
    store.reload()
    return store
  }

  private static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}

extension ConfigCheck.Finding {
  mutating func take(_ error: SettingsErrors) {
    errors = error.errors
    omitted = error.omitted
  }

  /// How little it is what it was read as: names that mean nothing weigh more than values that are wrong.
  var strangeness: Int { errors.count { $0.code == .unknownKey } * 100 + errors.count + omitted * 100 }
}

extension SettingsError {
  fileprivate var json: JSON {
    var members: JSONObject = [
      "code": .string(code.rawValue), "file": .string(file), "line": JSON(line), "column": JSON(column),
      "message": .string(message),
    ]
    if let key { members["key"] = .string(key) }
    if let hint { members["hint"] = .string(hint) }
    return .object(members)
  }
}
