public import Glibc
import Synchronization

/// A JACK server of the test's own, without hardware and without real time, under a name that nobody else has.
///
/// Thread: any; one at a time.
public final class PrivateJACK: @unchecked Sendable {
  public let name: String
  /// Where JACK's programs find this server, and start none.
  public let environment: [String: String]
  public private(set) var rate: Int
  public private(set) var period: Int

  private static let count = Atomic<Int>(0)
  private var server: Child?

  /// Returns when the server answers.
  public init(rate: Int = 48_000, period: Int = 128) throws(SupportError) {
    name = "streamd-test-\(getpid())-\(Self.count.add(1, ordering: .relaxed).newValue)"
    self.rate = rate
    self.period = period
    var variables = Environment.current.filter { !$0.key.hasPrefix("JACK_") }
    variables["JACK_DEFAULT_SERVER"] = name
    variables["JACK_NO_START_SERVER"] = "1"
    environment = variables
    try start()
  }

  deinit { stop() }

  public var pid: pid_t { server?.pid ?? -1 }

  /// No goodbye: what a crash looks like.
  public func kill() {
    server?.signal(SIGKILL)
    _ = server?.wait(timeout: 5)
    sweep()
  }

  public func signal(_ number: Int32) { server?.signal(number) }

  /// Starts it again, as it was or otherwise.
  public func restart(rate: Int? = nil, period: Int? = nil) throws(SupportError) {
    stop()
    self.rate = rate ?? self.rate
    self.period = period ?? self.period
    try start()
  }

  public func stop() {
    server?.signal(SIGCONT)
    server?.stop()
    server = nil
    sweep()
  }

  /// Runs one of JACK's programs against this server.
  @discardableResult
  public func run(_ program: [String]) throws(SupportError) -> ProgramResult {
    try Child.run(program, environment: environment, timeout: 10)
  }

  /// What a port is connected to.
  public func connections(of port: String) throws(SupportError) -> [String] {
    let lines = try run(["jack_lsp", "-c"]).standardOutput.split(separator: "\n")
    guard let start = lines.firstIndex(where: { $0 == port }) else { return [] }
    return lines[(start + 1)...].prefix { $0.hasPrefix("   ") }.map { String($0.drop { $0 == " " }) }
  }

  private func start() throws(SupportError) {
    var child = try launch(name)
    if !isUp(child), child.standardError.contains("Too many servers") {
      try Self.freePlaces(with: launch)
      child = try launch(name)
    }
    server = child
    guard isUp(child) else { throw SupportError("jackd: \(child.standardError)") }
  }

  private func launch(_ name: String) throws(SupportError) -> Child {
    // It writes to clients that have left already, and would end where it has places to give back.
    try Child(
      [
        "sh", "-c", "trap '' PIPE; exec \"$@\"", "sh", "jackd", "--name", name, "--no-realtime", "--no-mlock",
        "--port-max", "64", "-d", "dummy", "--rate", "\(rate)", "--period", "\(period)",
      ], environment: environment)
  }

  private func isUp(_ child: Child) -> Bool {
    waitUntil(timeout: 10) {
      child.status != nil || (try? run(["jack_lsp"]).standardOutput.contains("system:playback_2")) == true
    }
    return child.status == nil
  }

  /// A machine has places for eight servers. One that was killed keeps its place until another of its name comes and goes:
  /// that is done for those of tests that are no more.
  private static func freePlaces(with launch: (String) throws(SupportError) -> Child) throws(SupportError) {
    let registry = try Child.run(["grep", "-aoE", "streamd-test-[0-9]+-[0-9]+", "/dev/shm/jack-shm-registry"])
    for name in registry.standardOutput.split(separator: "\n") {
      guard let test = name.split(separator: "-").dropFirst(2).first.flatMap({ pid_t($0) }),
        test == getpid() || Glibc.kill(test, 0) != 0
      else { continue }
      // One that is running refuses a second of its name.
      let heir = try launch(String(name))
      waitUntil(timeout: 5) { heir.status != nil || access("/dev/shm/jack_\(name)_\(getuid())_0", F_OK) == 0 }
      heir.stop()
    }
  }

  /// A killed server leaves its sockets and semaphores; its memory is freed by the next one.
  private func sweep() {
    guard let directory = opendir("/dev/shm") else { return }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let file = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if file.hasPrefix("jack_"), file.contains("_\(name)_") { unlink("/dev/shm/" + file) }
    }
  }
}
