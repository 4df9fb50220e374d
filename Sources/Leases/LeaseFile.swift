internal import Glibc

/// The ledger on disk: replaced as a whole, synced before anything depends on it, and locked against other processes.
///
/// A file that cannot be understood is moved aside and reported, never overwritten: what it says may be all there is to
/// tell how the user's world looked before.
public struct LeaseFile: Sendable {
  public let directory: String
  private let kind: Kind
  public var path: String { directory + "/" + kind.rawValue }

  public enum Kind: String, Sendable {
    /// Of what outlives the machine's next start: synced before anything depends on it.
    case lasting = "leases"
    /// Of what ends with the sound server: written many times a second, and worth nothing after a loss of power.
    case passing = "app-leases"
  }

  /// `directory` is made when the first lease is written.
  public init(directory: String, _ kind: Kind = .lasting) {
    self.directory = directory
    self.kind = kind
  }

  /// In the user's state directory: XDG_STATE_HOME, which counts only when absolute, else `.local/state`.
  public static func standard(_ kind: Kind = .lasting) throws(LeaseError) -> LeaseFile {
    if let state = variable("XDG_STATE_HOME"), state.hasPrefix("/") {
      return LeaseFile(directory: state + "/streamd", kind)
    }
    if let home = variable("HOME"), home.hasPrefix("/") {
      return LeaseFile(directory: home + "/.local/state/streamd", kind)
    }
    throw LeaseError(.noStateDirectory, "there is no place for state", hint: "set HOME or XDG_STATE_HOME")
  }

  private static func variable(_ name: String) -> String? { unsafe getenv(name).map { unsafe String(cString: $0) } }

  /// Whether there is anything to undo. Needs no lock: a ledger appears and goes as a whole.
  public var exists: Bool { unsafe access(path, F_OK) == 0 }

  /// The ledger while nobody else may touch it.
  public struct Held: ~Copyable {
    public private(set) var ledger: LeaseLedger
    /// Set when the file found was no ledger.
    public let setAside: LeaseNote?
    private let file: LeaseFile

    fileprivate init(_ file: LeaseFile) throws(LeaseError) {
      self.file = file
      (ledger, setAside) = try file.read()
    }

    /// Returns once it is on disk.
    public mutating func keep(_ new: LeaseLedger) throws(LeaseError) {
      guard new != ledger else { return }
      try file.write(new)
      ledger = new
    }
  }

  /// Thread: control; waits up to two seconds for another process.
  public func locked<Result>(_ body: (inout Held) throws(LeaseError) -> Result) throws(LeaseError) -> Result {
    try makeDirectory()
    let lock = unsafe open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard lock >= 0 else { throw failure(.unwritable, "the lock of the leases") }
    defer { close(lock) }
    var tries = 0
    while flock(lock, LOCK_EX | LOCK_NB) != 0 {
      tries += 1
      guard tries < 200 else { throw LeaseError(.busy, "another process holds \(path).lock") }
      usleep(10_000)
    }
    var held = try Held(self)
    return try body(&held)
  }

  // MARK: Reading

  private enum Found {
    case nothing
    case text(String)
    /// Not ours to interpret.
    case foreign(String)
  }

  private func read() throws(LeaseError) -> (LeaseLedger, LeaseNote?) {
    let reason: String
    switch try find() {
    case .nothing: return (LeaseLedger(), nil)
    case .foreign(let why): reason = why
    case .text(let text):
      do throws(LeaseLedger.Damage) {
        return (try LeaseLedger(text: text), nil)
      } catch {
        reason = error.reason
      }
    }
    return (LeaseLedger(), .setAside(path: try moveAside(), reason: reason))
  }

  private func find() throws(LeaseError) -> Found {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else {
      if errno == ENOENT { return .nothing }
      throw failure(.unreadable, path)
    }
    guard status.st_mode & S_IFMT == S_IFREG else { return .foreign("it is no plain file") }
    guard status.st_uid == geteuid() else { return .foreign("it belongs to user \(status.st_uid)") }
    guard status.st_size <= LeaseLedger.longestText else { return .foreign("it is \(status.st_size) bytes long") }
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard file >= 0 else { throw failure(.unreadable, path) }
    defer { close(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16_384)
    while bytes.count <= LeaseLedger.longestText {
      let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(file, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure(.unreadable, path) }
      if count == 0 { break }
      bytes += buffer[..<count]
    }
    guard let text = String(validating: bytes, as: UTF8.self) else { return .foreign("it is no text") }
    return .text(text)
  }

  /// At most nine are kept; then the last is replaced.
  private func moveAside() throws(LeaseError) -> String {
    var aside = ""
    for number in 1...9 {
      aside = "\(path).damaged-\(number)"
      if unsafe access(aside, F_OK) != 0 { break }
    }
    guard unsafe rename(path, aside) == 0 else { throw failure(.unreadable, path) }
    return aside
  }

  // MARK: Writing

  private func write(_ ledger: LeaseLedger) throws(LeaseError) {
    if ledger.isEmpty {
      guard unsafe unlink(path) == 0 || errno == ENOENT else { throw failure(.unwritable, path) }
    } else {
      let temporary = path + ".new"
      unsafe unlink(temporary)
      let file = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
      guard file >= 0 else { throw failure(.unwritable, temporary) }
      defer { close(file) }
      var rest = Array(ledger.text.utf8)[...]
      while !rest.isEmpty {
        let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { throw failure(.unwritable, temporary) }
        rest = rest.dropFirst(count)
      }
      guard kind == .passing || fsync(file) == 0, unsafe rename(temporary, path) == 0 else {
        throw failure(.unwritable, path)
      }
    }
    try syncDirectory()
  }

  private func syncDirectory() throws(LeaseError) {
    guard kind == .lasting else { return }
    let handle = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard handle >= 0 else { throw failure(.unwritable, directory) }
    defer { close(handle) }
    // Some file systems cannot sync a directory; the rename is then as safe as they make it.
    guard fsync(handle) == 0 || errno == EINVAL else { throw failure(.unwritable, directory) }
  }

  private func makeDirectory() throws(LeaseError) {
    var made = ""
    for part in directory.split(separator: "/") {
      made += "/" + part
      guard unsafe mkdir(made, 0o700) == 0 || errno == EEXIST || errno == EROFS || errno == EACCES else {
        throw failure(.unwritable, made)
      }
    }
    guard unsafe access(directory, W_OK) == 0 else { throw failure(.unwritable, directory) }
  }

  private func failure(_ code: LeaseError.Code, _ what: String) -> LeaseError {
    LeaseError(code, "\(what): \(unsafe String(cString: strerror(errno)))")
  }
}
