import Glibc

/// The programs built beside the tests.
public enum BuiltProgram {
  public static func path(_ name: String) -> String { directory + "/" + name }

  private static let directory: String = {
    var path = [CChar](repeating: 0, count: 4096)
    let length = readlink("/proc/self/exe", &path, path.count)
    let own = String(decoding: path.prefix(max(length, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    // Some runners load the bundle into a program of their own, and name the bundle in an argument.
    for candidate in [own] + CommandLine.arguments {
      var directory = candidate[...]
      while let slash = directory.lastIndex(of: "/") {
        directory = directory[..<slash]
        if access(directory + "/streamd", X_OK) == 0 { return String(directory) }
      }
    }
    return SourceTree.root + "/.build/debug"
  }()
}
