import Glibc
import TestSupport

/// One file of the tree, as lines.
struct SourceFile: CustomStringConvertible {
  /// Relative to the root of the tree.
  let path: String
  let lines: [Substring]

  var description: String { path }
  var name: Substring { path.split(separator: "/").last ?? "" }
  /// The first folder below Sources, which is the module's name; a room inside another one's folder has its own.
  var module: String {
    let parts = path.split(separator: "/")
    if path.hasPrefix("Sources/streamd/Wiring/") { return "Wiring" }
    return parts.count > 2 ? String(parts[1]) : ""
  }

  /// The lines that match, named as a compiler would.
  func places(of pattern: Regex<Substring>) -> [String] {
    lines.enumerated().compactMap { index, line in
      line.contains(pattern) ? "\(path):\(index + 1): \(line)" : nil
    }
  }
}

/// The tree's text files below some folders.
enum Tree {
  static func files(below folders: [String], endings: [String]) throws -> [SourceFile] {
    let found = try Child.run(
      ["find"] + folders.map { SourceTree.root + "/" + $0 + "/" } + ["-type", "f"])
    guard found.status == 0 else { throw SupportError("find: \(found.standardError)") }
    return try found.standardOutput.split(separator: "\n")
      .filter { path in endings.isEmpty || endings.contains { path.hasSuffix($0) } }
      .sorted()
      .map { path in
        let relative = path.dropFirst(SourceTree.root.count + 1).replacing("//", with: "/")
        let lines = try text(of: String(path)).split(
          separator: "\n", omittingEmptySubsequences: false)
        return SourceFile(path: String(relative), lines: lines)
      }
  }

  static func swift() throws -> [SourceFile] { try files(below: ["Sources"], endings: [".swift"]) }

  private static func text(of path: String) throws -> String {
    guard let file = fopen(path, "r") else { throw SupportError("cannot read \(path)") }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
      bytes += buffer[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
