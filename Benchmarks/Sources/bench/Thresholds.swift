import Glibc

struct BenchError: Error {
  let message: String

  init(_ message: String) { self.message = message }
}

/// The highest ratio to the floor that each case may have. A case without one is for information only.
struct Thresholds {
  private(set) var limits: [String: Double] = [:]

  /// Beside the sources, whatever the working directory is.
  static var standardPath: String {
    let parts = "\(#filePath)".split(separator: "/", omittingEmptySubsequences: false)
    return parts.dropLast(3).joined(separator: "/") + "/thresholds.txt"
  }

  /// Lines of a case and a ratio; `#` starts a comment.
  init(path: String) throws(BenchError) {
    guard let file = fopen(path, "re") else { throw BenchError("\(path): \(String(cString: strerror(errno)))") }
    defer { fclose(file) }
    var number = 0
    while let line = Self.line(file) {
      number += 1
      let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
      if words.isEmpty { continue }
      guard words.count == 2, let limit = Double(words[1]), limit > 0 else {
        throw BenchError("\(path):\(number): a case and a ratio, please")
      }
      limits[String(words[0])] = limit
    }
  }

  private static func line(_ file: UnsafeMutablePointer<FILE>) -> String? {
    var buffer = [CChar](repeating: 0, count: 1024)
    guard fgets(&buffer, Int32(buffer.count), file) != nil else { return nil }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
