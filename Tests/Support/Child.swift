public import Glibc

/// Why a test's surroundings could not be built.
public struct SupportError: Error, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }
}

/// What a finished program left: how it ended and what it wrote.
public struct ProgramResult: Sendable {
  /// Exit status, or 128 plus the number of the signal that ended it.
  public let status: Int32
  public let standardOutput: String
  public let standardError: String
}

/// A program in a process group of its own, its output caught in nameless files.
///
/// Whatever happens to the test process, the group ends with it: a watcher holds the other end of a socket.
/// Thread: any; one at a time.
public final class Child: @unchecked Sendable {
  public let pid: pid_t
  private let outputFile: Int32
  private let errorFile: Int32
  private var ended: Int32?

  /// Starts `arguments[0]`, looked up in PATH when it has no slash. Standard input is empty.
  public init(_ arguments: [String], environment: [String: String] = Environment.current)
    throws(SupportError)
  {
    outputFile = try Self.namelessFile()
    errorFile = try Self.namelessFile()
    pid = try Self.spawn(arguments, environment, input: -1, output: outputFile, error: errorFile)
    Watcher.shared.add(pid)
  }

  deinit {
    stop()
    close(outputFile)
    close(errorFile)
  }

  /// What it has written so far.
  public var standardOutput: String { Self.text(of: outputFile) }
  public var standardError: String { Self.text(of: errorFile) }

  /// Exit status when it has ended (128 plus the signal when one ended it), else nil.
  public var status: Int32? {
    if let ended { return ended }
    var raw: Int32 = 0
    let found = waitpid(pid, &raw, WNOHANG)
    guard found == pid || (found < 0 && errno == ECHILD) else { return nil }
    let signal = raw & 0x7f
    ended = found < 0 ? 255 : (signal == 0 ? (raw >> 8) & 0xff : 128 + signal)
    Watcher.shared.remove(pid)
    return ended
  }

  /// A signal to the program alone.
  public func signal(_ number: Int32) {
    if status == nil { kill(pid, number) }
  }

  /// Waits for it to end by itself; nil when it has not within `seconds`.
  public func wait(timeout seconds: Double) -> Int32? {
    waitUntil(timeout: seconds) { status != nil }
    return status
  }

  /// Ends the whole group: politely, and after `grace` seconds for good.
  @discardableResult
  public func stop(grace seconds: Double = 3) -> Int32 {
    if status == nil {
      kill(-pid, SIGTERM)
      waitUntil(timeout: seconds) { status != nil }
    }
    // Also what the program itself may have left behind in its group.
    kill(-pid, SIGKILL)
    while status == nil { usleep(2000) }
    return ended ?? 255
  }

  /// Runs a program to its end, at most `seconds` long.
  public static func run(
    _ arguments: [String], environment: [String: String] = Environment.current,
    timeout seconds: Double = 20
  ) throws(SupportError) -> ProgramResult {
    let child = try Child(arguments, environment: environment)
    let status = child.wait(timeout: seconds)
    guard let status else {
      child.stop()
      throw SupportError(
        "\(arguments.joined(separator: " ")) did not end in \(seconds) s: \(child.standardError)")
    }
    return ProgramResult(
      status: status, standardOutput: child.standardOutput, standardError: child.standardError)
  }

  fileprivate static func spawn(
    _ arguments: [String], _ environment: [String: String], input: Int32, output: Int32,
    error: Int32
  ) throws(SupportError) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    if input < 0 {
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    } else {
      posix_spawn_file_actions_adddup2(&actions, input, 0)
    }
    if output >= 0 { posix_spawn_file_actions_adddup2(&actions, output, 1) }
    if error >= 0 { posix_spawn_file_actions_adddup2(&actions, error, 2) }
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

    let argv = arguments.map { strdup($0) } + [nil]
    let envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in argv + envp { free(text) } }
    var pid: pid_t = 0
    let failure = posix_spawnp(&pid, arguments[0], &actions, &attributes, argv, envp)
    guard failure == 0 else {
      throw SupportError("\(arguments[0]): \(String(cString: strerror(failure)))")
    }
    return pid
  }

  private static func namelessFile() throws(SupportError) -> Int32 {
    var path = Array("/tmp/child-output.XXXXXX".utf8CString)
    let file = mkstemp(&path)
    guard file >= 0 else {
      throw SupportError("temporary file: \(String(cString: strerror(errno)))")
    }
    _ = fcntl(file, F_SETFD, FD_CLOEXEC)
    _ = fcntl(file, F_SETFL, O_APPEND)
    unlink(path)
    return file
  }

  private static func text(of file: Int32) -> String {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16384)
    while true {
      let count = pread(file, &buffer, buffer.count, bytes.count)
      guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
      bytes.append(contentsOf: buffer[..<count])
    }
  }
}

/// A shell that ends every process group still on its list when this process is gone, however it went.
private final class Watcher: @unchecked Sendable {
  static let shared = Watcher()
  private var socketEnd: Int32 = -1

  private init() {
    var ends: [Int32] = [-1, -1]
    // A socket, because it alone is closed on exec from its first moment: no other child may hold this end.
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { return }
    let script = """
      set --; while read -r sign pid; do
        if [ "$sign" = + ]; then set -- "$@" "$pid"; else
          for one in "$@"; do shift; [ "$one" = "$pid" ] || set -- "$@" "$one"; done
        fi
      done; for one in "$@"; do kill -s KILL -- "-$one"; done 2>/dev/null
      """
    _ = try? Child.spawn(
      ["sh", "-c", script], Environment.current, input: ends[0], output: -1, error: -1)
    close(ends[0])
    socketEnd = ends[1]
  }

  func add(_ pid: pid_t) { tell("+ \(pid)\n") }
  func remove(_ pid: pid_t) { tell("- \(pid)\n") }

  /// A line goes in one call and is short, so lines of several threads do not mix.
  private func tell(_ line: String) {
    _ = line.withCString { send(socketEnd, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
  }
}
