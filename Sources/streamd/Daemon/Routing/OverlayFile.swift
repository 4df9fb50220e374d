import Control
import Glibc

/// What the user has set, on disk: replaced as a whole, so that it is always the old text or the new one.
struct OverlayFile {
  let path: String

  private static let longest = 1 << 20

  /// In the user's state directory; nil where there is none.
  static func standard(_ name: String = "overrides") -> OverlayFile? {
    func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
    if let state = variable("XDG_STATE_HOME"), state.hasPrefix("/") {
      return OverlayFile(path: state + "/streamd/" + name)
    }
    if let home = variable("HOME"), home.hasPrefix("/") {
      return OverlayFile(path: home + "/.local/state/streamd/" + name)
    }
    return nil
  }

  /// Nil when there is none, or it cannot be read.
  func read() -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while bytes.count <= Self.longest {
      let count = Glibc.read(descriptor, &piece, piece.count)
      guard count > 0 else { break }
      bytes.append(contentsOf: piece[..<count])
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Returns once it is on disk.
  func write(_ text: String) throws(ControlError) {
    let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    makeFolders(folder)
    let draft = path + ".new"
    let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw failure() }
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        close(descriptor)
        throw failure()
      }
      bytes = bytes.dropFirst(count)
    }
    let isSynced = fsync(descriptor) == 0
    close(descriptor)
    guard isSynced, rename(draft, path) == 0 else { throw failure() }
  }

  private func makeFolders(_ folder: String) {
    var made = ""
    for part in folder.split(separator: "/") {
      made += "/" + part
      mkdir(made, 0o700)
    }
  }

  private func failure() -> ControlError {
    ControlError(
      .unavailable, "what was set could not be kept in \(path): \(String(cString: strerror(errno)))",
      hint: "it holds until the daemon ends")
  }
}
