import Glibc
import Synchronization
import Testing

@testable import Control

/// The control loop on a thread of its own, for the whole test process.
enum LoopThread {
  /// How often `run()` has returned.
  static let returns = Atomic<Int>(0)

  static let start: Void = {
    // A peer that closes early must not end the test process.
    signal(SIGPIPE, SIG_IGN)
    var thread = pthread_t()
    precondition(pthread_create(&thread, nil, runLoopForever, nil) == 0)
    pthread_detach(thread)
  }()
}

private func runLoopForever(_ unused: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  while true {
    EventLoop.shared.run()
    LoopThread.returns.add(1, ordering: .sequentiallyConsistent)
  }
}

/// Everything that uses the loop or sockets, one after the other: descriptors are counted.
@Suite(.serialized) struct Live {}

/// What the test verbs act on.
final class TestDaemon: ControlContext {
  var gates: [CheckedContinuation<Void, Never>] = []
  var cancelled = 0
  var calls = 0
}

/// A server on a socket of its own.
struct Harness {
  let path: String
  let directory: String
  let socket: ControlSocket
  let daemon: TestDaemon

  /// Starts, runs `body`, stops, and checks that no descriptor was lost on the way.
  static func run(
    _ adjust: (inout ControlSocket.Limits) -> Void = { _ in }, serving body: (Harness) async throws -> Void
  ) async throws {
    LoopThread.start
    await settle()
    let before = openDescriptors()
    var limits = ControlSocket.Limits()
    adjust(&limits)
    let directory = try TemporaryDirectory()
    let path = directory.path + "/run/control.sock"
    let harness = try await serve(path, limits)
    do {
      try await body(harness)
    } catch {
      await harness.socket.close(reason: "test")
      throw error
    }
    await harness.socket.close(reason: "test")
    #expect(access(path, F_OK) != 0, "the socket file stays behind")
    await settle()
    #expect(openDescriptors() == before)
  }

  @ControlActor
  private static func serve(_ path: String, _ limits: ControlSocket.Limits) throws -> Harness {
    let bus = EventBus()
    bus.declare("state", .state, summary: "what is") { ["value": "idle"] }
    bus.declare("log", .log, summary: "what happened")
    let daemon = TestDaemon()
    let socket = ControlSocket(
      identity: .init(name: "streamd", version: "1.2.3"), bus: bus, context: daemon, limits: limits)
    try socket.serve(try ControlListener.open(path: path))
    let directory = SocketDirectory(of: path).path
    return Harness(path: path, directory: directory, socket: socket, daemon: daemon)
  }

  func connect() throws -> ControlClient { try ControlClient(path: path) }

  @ControlActor func publish(_ topic: String, _ data: JSON, key: String? = nil) {
    socket.bus.publish(topic, data, key: key)
  }

  /// Waits until the loop has seen what this thread did before, turns over.
  static func settle() async {
    for _ in 0..<20 { await Task { @ControlActor in }.value }
  }

  /// Waits, turn by turn, for something the loop will make true.
  func until(_ condition: @ControlActor () -> Bool) async {
    while await !condition() { usleep(500) }
  }
}

extension ControlClient {
  /// Sends one line and returns the parsed line that comes next.
  func exchange(_ line: String) throws -> JSON {
    try send(line: line)
    return try receiveJSON()
  }

  func receiveJSON() throws -> JSON {
    try JSON.parse(try #require(try receiveLine(timeout: .seconds(20))))
  }

  /// Reads to the end of the connection.
  func receiveAll() throws -> [JSON] {
    var lines: [JSON] = []
    do {
      while true { lines.append(try receiveJSON()) }
    } catch ControlClientError.closed {
      return lines
    }
  }
}

/// Removed with all it holds.
final class TemporaryDirectory {
  let path: String

  init() throws {
    var template = Array("/tmp/control-tests-XXXXXX".utf8CString)
    path = try #require(
      template.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!).map { String(cString: $0) } })
  }

  deinit { Self.remove(path) }

  private static func remove(_ path: String) {
    if let directory = opendir(path) {
      var names: [String] = []
      while let entry = readdir(directory) {
        names.append(
          withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
      }
      closedir(directory)
      for name in names where name != "." && name != ".." {
        let inner = path + "/" + name
        if FileStatus(inner)?.isDirectory == true { remove(inner) } else { unlink(inner) }
      }
    }
    rmdir(path)
  }
}

func openDescriptors() -> Int {
  (0..<4096).count { fcntl($0, F_GETFD) >= 0 }
}

extension ControlSocket {
  var waitingBytes: [Int] { sessions.map(\.waitingBytes) }
}
