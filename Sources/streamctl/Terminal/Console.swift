import Glibc

/// What people read while standard output stays for machines.
enum Console {
  /// A line on standard error.
  static func note(_ text: String) {
    let line = text + "\n"
    _ = line.withCString { write(2, $0, strlen($0)) }
  }
}
