import Glibc
import TestSupport
import Testing

/// The real daemon and the real command line against a PipeWire of their own. One test at a time: they measure time on
/// graphs that run in real time.
@Suite(.serialized) struct DaemonTests {}

/// The programs that were built beside these tests.
enum Products {
  static let streamd = directory + "/streamd"
  static let streamctl = directory + "/streamctl"

  private static let directory: String = {
    var path = [CChar](repeating: 0, count: 4096)
    let length = readlink("/proc/self/exe", &path, path.count)
    let own = String(decoding: path.prefix(max(length, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    // Some runners load the bundle into a program of their own, and name the bundle in an argument.
    let candidates = [own] + CommandLine.arguments
    for candidate in candidates {
      guard let slash = candidate.lastIndex(of: "/") else { continue }
      let directory = String(candidate[..<slash])
      if access(directory + "/streamd", X_OK) == 0 { return directory }
    }
    return "."
  }()
}

/// What a test measured, for whoever reads its output.
func measured(_ what: String, _ value: Double, _ unit: String) {
  print("measured: \(what) \((value * 1000).rounded() / 1000) \(unit)")
}
