import Control
import Glibc

/// Files that hold one JSON value.
enum JSONFile {
  /// One that is larger than `longest` bytes is no such thing.
  static func read(_ path: String, longest: Int, noun: String) throws(Failure) -> JSON {
    guard let file = fopen(path, "re") else {
      throw Failure(.notFound, "not_found", "\(path): \(String(cString: strerror(errno)))")
    }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 {
      bytes += buffer[..<count]
      guard bytes.count <= longest else { throw Failure(.refused, "too_large", "\(path) is no \(noun): too large") }
    }
    do throws(JSONParseError) { return try JSON.parse(bytes) } catch {
      throw Failure(.refused, "bad_json", "\(path): \(error.description)")
    }
  }
}
