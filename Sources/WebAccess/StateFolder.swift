internal import Glibc

/// Where the daemon keeps what outlives it, and how a file there is replaced.
public enum StateFolder {
  /// XDG_STATE_HOME, which counts only when absolute, else `.local/state`.
  public static func standard() throws(AccessError) -> String {
    if let state = variable("XDG_STATE_HOME"), state.hasPrefix("/") { return state + "/streamd" }
    if let home = variable("HOME"), home.hasPrefix("/") { return home + "/.local/state/streamd" }
    throw AccessError("no_state_directory", "there is no place for state: set HOME or XDG_STATE_HOME")
  }

  /// The user's configuration folder.
  public static func configuration() throws(AccessError) -> String {
    if let config = variable("XDG_CONFIG_HOME"), config.hasPrefix("/") { return config + "/streamd" }
    if let home = variable("HOME"), home.hasPrefix("/") { return home + "/.config/streamd" }
    throw AccessError("no_config_directory", "there is no place for the configuration: set HOME or XDG_CONFIG_HOME")
  }

  private static func variable(_ name: String) -> String? { unsafe getenv(name).map { unsafe String(cString: $0) } }

  /// Whoever reads sees the old bytes or the new ones, and nobody but this user sees either.
  public static func replace(_ path: String, with bytes: [UInt8]) throws(AccessError) {
    try makeFolder(of: path)
    let draft = "\(path).\(getpid()).new"
    _ = unsafe unlink(draft)
    let descriptor = unsafe open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw .system(draft, errno) }
    var failure: Int32 = 0
    var written = 0
    while written < bytes.count, failure == 0 {
      let count = unsafe bytes.withUnsafeBytes {
        unsafe Glibc.write(descriptor, $0.baseAddress! + written, bytes.count - written)
      }
      if count > 0 { written += count } else if errno != EINTR { failure = errno }
    }
    if failure == 0, fsync(descriptor) != 0 { failure = errno }
    close(descriptor)
    if failure == 0, unsafe rename(draft, path) != 0 { failure = errno }
    guard failure == 0 else {
      _ = unsafe unlink(draft)
      throw .system(path, failure)
    }
  }

  /// Nil where there is no such file.
  public static func contents(of path: String, atMost limit: Int) throws(AccessError) -> [UInt8]? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw .system(path, errno)
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = unsafe Glibc.read(descriptor, &piece, piece.count)
      guard count >= 0 else { throw .system(path, errno) }
      guard count > 0 else { return bytes }
      bytes.append(contentsOf: piece[..<count])
      guard bytes.count <= limit else { throw AccessError("too_large", "\(path) has more than \(limit) bytes") }
    }
  }

  /// It need not be there.
  public static func remove(_ path: String) throws(AccessError) {
    guard unsafe unlink(path) != 0, errno != ENOENT else { return }
    throw .system(path, errno)
  }

  private static func makeFolder(of path: String) throws(AccessError) {
    let parts = path.split(separator: "/").dropLast()
    var folder = ""
    for part in parts {
      folder += "/" + part
      guard unsafe mkdir(folder, 0o700) == 0 || errno == EEXIST || errno == EISDIR || errno == EROFS else {
        throw .system(folder, errno)
      }
    }
  }
}

extension AccessError {
  static func system(_ path: String, _ number: Int32) -> AccessError {
    AccessError("system", "\(path): \(unsafe String(cString: strerror(number)))")
  }
}
