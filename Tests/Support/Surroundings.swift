import Glibc

/// The environment this process was started with.
public enum Environment {
  public static let current: [String: String] = {
    guard let file = fopen("/proc/self/environ", "r") else { return [:] }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    while case let byte = fgetc(file), byte != EOF { bytes.append(UInt8(byte)) }
    var found: [String: String] = [:]
    for entry in bytes.split(separator: 0) {
      let text = String(decoding: entry, as: UTF8.self)
      guard let sign = text.firstIndex(of: "=") else { continue }
      found[String(text[..<sign])] = String(text[text.index(after: sign)...])
    }
    return found
  }()
}

/// The source tree these tests were built from.
public enum SourceTree {
  /// Without a slash at its end.
  public static let root: String = {
    var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    parts.removeLast(3)
    return parts.joined(separator: "/")
  }()
}

/// A directory that goes with its owner.
public final class TemporaryDirectory: Sendable {
  public let path: String

  public init() throws(SupportError) {
    var template = Array("/tmp/streamd-test.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw SupportError("temporary directory: \(String(cString: strerror(errno)))")
    }
    path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  deinit { remove() }

  /// Now rather than at the end of its life.
  public func remove() {
    _ = try? Child.run(["rm", "-rf", "--", path])
  }
}

/// Polls until `condition` holds; false when it has not within `seconds`.
/// The limit is for broken code: a test that passes does not depend on it.
@discardableResult
public func waitUntil(timeout seconds: Double, _ condition: () throws -> Bool) rethrows -> Bool {
  let end = monotonicSeconds() + seconds
  while true {
    if try condition() { return true }
    if monotonicSeconds() >= end { return false }
    usleep(10_000)
  }
}

/// Seconds of a clock that only runs forward.
public func monotonicSeconds() -> Double {
  var now = timespec()
  clock_gettime(CLOCK_MONOTONIC, &now)
  return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
}
