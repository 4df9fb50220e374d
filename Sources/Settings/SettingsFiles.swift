import Glibc

extension Settings {
  /// Reads one text as if it were the only file; `name` is for messages.
  public static func parse(text: String, name: String) throws(SettingsErrors) -> Settings {
    try parse(Array(text.utf8), name: name)
  }

  public static func parse(_ bytes: [UInt8], name: String) throws(SettingsErrors) -> Settings {
    var draft = SettingsDraft()
    draft.merge(bytes, file: name)
    return try draft.finish()
  }

  /// Reads the configuration: the file named explicitly, which has to exist, or else the first that does of
  /// `$XDG_CONFIG_HOME/streamd/config.toml` and the same under each of `$XDG_CONFIG_DIRS`; then the files of `conf.d`
  /// beside it, in the order of their names. Without any, the defaults.
  ///
  /// Thread: not one that must not wait for a disk.
  public static func load(
    explicit: String? = nil, environment: [String: String] = Settings.environment()
  ) throws(SettingsErrors) -> Settings {
    var draft = SettingsDraft()
    if let explicit {
      switch readFile(explicit) {
      case .bytes(let bytes): draft.merge(bytes, file: explicit)
      case .missing: draft.fail(.aboutFile(.fileMissing, explicit, "no such file"))
      case .failed(let error): draft.fail(error)
      }
      draft.mergeParts(of: directory(of: explicit))
      return try draft.finish()
    }
    for directory in directories(environment) where draft.mergeDirectory(directory) { break }
    return try draft.finish()
  }

  /// The variables of the process that decide where files are looked for.
  public static func environment() -> [String: String] {
    var found: [String: String] = [:]
    for name in ["XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "HOME"] {
      if let value = unsafe getenv(name) { found[name] = unsafe String(cString: value) }
    }
    return found
  }

  /// Where a configuration may be, the user's before the administrator's. Relative paths are ignored, as the base
  /// directory specification asks.
  static func directories(_ environment: [String: String]) -> [String] {
    func absolute(_ name: String) -> String? { environment[name].flatMap { $0.hasPrefix("/") ? $0 : nil } }
    let user = absolute("XDG_CONFIG_HOME") ?? absolute("HOME").map { "\($0)/.config" }
    let listed = (environment["XDG_CONFIG_DIRS"] ?? "").split(separator: ":").prefix(16).map(String.init)
    let system = listed.filter { $0.hasPrefix("/") }
    return ([user].compactMap(\.self) + (system.isEmpty ? ["/etc/xdg"] : system)).map { "\($0)/streamd" }
  }

  private static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}

extension SettingsDraft {
  /// False when the directory holds no configuration.
  fileprivate mutating func mergeDirectory(_ directory: String) -> Bool {
    let file = "\(directory)/config.toml"
    var found = true
    switch readFile(file) {
    case .bytes(let bytes): merge(bytes, file: file)
    case .missing: found = false
    case .failed(let error): fail(error)
    }
    return mergeParts(of: directory) || found
  }

  /// Merges the `conf.d` of a directory; false when it holds nothing.
  @discardableResult
  fileprivate mutating func mergeParts(of directory: String) -> Bool {
    let folder = directory == "/" ? "/conf.d" : "\(directory)/conf.d"
    let names: [String]
    do throws(SettingsError) {
      names = try partNames(in: folder)
    } catch {
      fail(error)
      return true
    }
    for name in names {
      let file = "\(folder)/\(name)"
      switch readFile(file) {
      case .bytes(let bytes): merge(bytes, file: file)
      case .missing: fail(.aboutFile(.unreadable, file, "went away, or is a link to nothing"))
      case .failed(let error): fail(error)
      }
    }
    return !names.isEmpty
  }
}

extension SettingsError {
  fileprivate static func aboutFile(_ code: Code, _ file: String, _ message: String) -> SettingsError {
    SettingsError(code: code, file: file, line: 0, column: 0, key: nil, message: message, hint: nil)
  }

  /// For the call that just failed.
  fileprivate static func unreadable(_ file: String, _ number: Int32) -> SettingsError {
    aboutFile(.unreadable, file, "cannot be read: " + (unsafe String(cString: strerror(number))))
  }
}

private let partLimit = 64

/// The names of a folder's `*.toml` files in the order of their bytes; none when there is no such folder.
private func partNames(in folder: String) throws(SettingsError) -> [String] {
  guard let handle = unsafe opendir(folder) else {
    if errno == ENOENT || errno == ENOTDIR { return [] }
    throw .unreadable(folder, errno)
  }
  defer { unsafe closedir(handle) }
  var names: [String] = []
  while let entry = unsafe readdir(handle) {
    let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { buffer in
      unsafe String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
    }
    guard name.hasSuffix(".toml"), !name.hasPrefix(".") else { continue }
    guard names.count < partLimit else { throw .aboutFile(.tooMany, folder, "more than \(partLimit) files") }
    names.append(name)
  }
  return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}

private enum FileContent {
  case bytes([UInt8])
  case missing
  case failed(SettingsError)
}

/// Reads a whole file of bounded size. A pipe is refused, since with nobody writing it would pass for an empty file.
private func readFile(_ path: String) -> FileContent {
  let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  guard descriptor >= 0 else {
    return errno == ENOENT || errno == ENOTDIR ? .missing : .failed(.unreadable(path, errno))
  }
  defer { close(descriptor) }
  var status = stat()
  guard unsafe fstat(descriptor, &status) == 0 else { return .failed(.unreadable(path, errno)) }
  let type = status.st_mode & S_IFMT
  guard type == S_IFREG || type == S_IFCHR else {
    return .failed(.aboutFile(.unreadable, path, "is not a file"))
  }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 65536)
  while true {
    let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
    if count < 0, errno == EINTR { continue }
    guard count >= 0 else { return .failed(.unreadable(path, errno)) }
    guard count > 0 else { return .bytes(bytes) }
    bytes += chunk[..<count]
    // One byte too many is enough to know; the check itself is the draft's.
    if bytes.count > Settings.fileSizeLimit { return .bytes(bytes) }
  }
}
