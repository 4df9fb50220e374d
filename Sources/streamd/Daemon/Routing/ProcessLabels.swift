import Glibc
import Policy

/// What the system knows of the process behind a stream, whatever that says of itself.
///
/// A process may end at any moment, and another may have its number: what is read is a hint for rules, nothing more.
struct ProcessLabels {
  var cgroup: String?
  var flatpakID: String?
  var steamAppID: String?
  /// Binaries of the processes it descends from, the nearest first.
  var parents: [String] = []

  private static let deepest = 8
  private static let longestFile = 65_536

  init(of pid: Int) {
    guard pid > 1 else { return }
    // The one line of the unified hierarchy.
    cgroup = Self.text("/proc/\(pid)/cgroup").flatMap { text in
      text.split(separator: "\n").first { $0.hasPrefix("0::") }.map { String($0.dropFirst(3)) }
    }
    flatpakID = cgroup.flatMap(Self.flatpak)
    steamAppID = Self.text("/proc/\(pid)/environ").flatMap { text in
      text.split(separator: "\0").first { $0.hasPrefix("SteamAppId=") }.map { String($0.dropFirst(11)) }
    }
    if steamAppID?.isEmpty == true || steamAppID == "0" { steamAppID = nil }
    var next = Self.parent(of: pid)
    while let process = next, process > 1, parents.count < Self.deepest {
      if let name = Self.binary(of: process) { parents.append(name) }
      next = Self.parent(of: process)
    }
  }

  /// `app-flatpak-org.example.App-1234.scope` is how flatpak calls its scopes.
  private static func flatpak(_ cgroup: String) -> String? {
    guard let last = cgroup.split(separator: "/").last, last.hasPrefix("app-flatpak-"), last.hasSuffix(".scope") else {
      return nil
    }
    let middle = last.dropFirst(12).dropLast(6)
    guard let dash = middle.lastIndex(of: "-") else { return nil }
    return String(middle[..<dash])
  }

  /// The fourth field; the second is a name in brackets that may have anything in it.
  private static func parent(of pid: Int) -> Int? {
    guard let text = text("/proc/\(pid)/stat"), let close = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: close)...].split(separator: " ")
    return fields.count > 1 ? Int(fields[1]) : nil
  }

  private static func binary(of pid: Int) -> String? {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/\(pid)/exe", &buffer, buffer.count - 1)
    if count > 0 {
      let path = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
      return path.split(separator: "/").last.map { String($0) }
    }
    return text("/proc/\(pid)/comm")?.split(separator: "\n").first.map { String($0) }
  }

  private static func text(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while bytes.count < longestFile {
      let count = read(descriptor, &piece, piece.count)
      guard count > 0 else { break }
      bytes.append(contentsOf: piece[..<count])
    }
    return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
  }
}
