internal import Glibc

/// A process that no other can be mistaken for: numbers of processes come back, and so do start times after a reboot.
public struct ProcessIdentity: Hashable, Sendable {
  public var pid: Int32
  /// Clock ticks since boot.
  public var start: UInt64
  public var boot: String

  public init(pid: Int32, start: UInt64, boot: String) {
    self.pid = pid
    self.start = start
    self.boot = boot
  }

  /// This process.
  public static var current: ProcessIdentity { living(getpid()) ?? ProcessIdentity(pid: getpid(), start: 0, boot: "") }

  /// Nil when no process has this number, or only its remains.
  public static func living(_ pid: Int32) -> ProcessIdentity? {
    guard pid > 0, let line = text(of: "/proc/\(pid)/stat"), let start = start(inStat: line) else { return nil }
    return ProcessIdentity(pid: pid, start: start, boot: bootIdentifier)
  }

  public var isAlive: Bool { Self.living(pid) == self }

  /// The 22nd field of a process' `stat` line, nil for a process that has ended. The name in the second may hold anything,
  /// spaces and brackets included.
  static func start(inStat line: String) -> UInt64? {
    guard let bracket = line.lastIndex(of: ")") else { return nil }
    let fields = line[line.index(after: bracket)...].split(separator: " ")
    guard fields.count > 19, fields[0] != "Z", fields[0] != "X" else { return nil }
    return UInt64(fields[19])
  }

  private static let bootIdentifier: String =
    text(of: "/proc/sys/kernel/random/boot_id")?.split(whereSeparator: \.isWhitespace).first.map(String.init)
    ?? "unknown"

  private static func text(of path: String) -> String? {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(file, $0.baseAddress, $0.count) }
    return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
  }
}
