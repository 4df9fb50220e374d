import Glibc

/// A directory of its own for one test, removed with what is in it.
final class Scratch {
  struct Failure: Error { var path: String }

  let path: String

  init() throws {
    var template = Array("/tmp/settings-test-XXXXXX\0".utf8CString.dropLast())
    guard mkdtemp(&template) != nil else { throw Failure(path: "mkdtemp") }
    path = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { Self.remove(path) }

  /// Writes a file below the directory, making the directories it needs; gives its path.
  @discardableResult
  func write(_ text: String, to name: String) throws -> String {
    try write(Array(text.utf8), to: name)
  }

  @discardableResult
  func write(_ bytes: [UInt8], to name: String) throws -> String {
    makeDirectories(name.split(separator: "/").dropLast().map(String.init))
    try Self.write(bytes, to: "\(path)/\(name)")
    return "\(path)/\(name)"
  }

  func makeDirectories(_ names: [String]) {
    var directory = path
    for name in names {
      directory += "/" + name
      mkdir(directory, 0o700)
    }
  }

  static func write(_ text: String, to path: String) throws { try write(Array(text.utf8), to: path) }

  static func write(_ bytes: [UInt8], to path: String) throws {
    guard let file = fopen(path, "w") else { throw Failure(path: path) }
    defer { fclose(file) }
    guard fwrite(bytes, 1, bytes.count, file) == bytes.count else { throw Failure(path: path) }
  }

  static func read(_ path: String) throws -> String {
    guard let file = fopen(path, "r") else { throw Failure(path: path) }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[..<count], as: UTF8.self)
  }

  private static func remove(_ path: String) {
    if let handle = opendir(path) {
      while let entry = readdir(handle) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        if name != ".", name != ".." { remove("\(path)/\(name)") }
      }
      closedir(handle)
    }
    if rmdir(path) != 0 { unlink(path) }
  }
}
