import Glibc
import Testing

@testable import Control

extension Live {
  @Suite struct ListenerTests {
    private let directory: TemporaryDirectory
    private var path: String { directory.path + "/run/control.sock" }

    init() throws { directory = try TemporaryDirectory() }

    private func failure(_ path: String) -> ControlListenerError? {
      do throws(ControlListenerError) {
        _ = try ControlListener.open(path: path)
        return nil
      } catch {
        return error
      }
    }

    @Test func directoryAndSocketArePrivateWhateverTheMask() throws {
      let before = umask(0)
      defer { umask(before) }
      let listener = try ControlListener.open(path: path)
      #expect(FileStatus(directory.path + "/run")?.permissions == 0o700)
      #expect(FileStatus(path)?.permissions == 0o600)
      #expect(FileStatus(path)?.isSocket == true)
      #expect(listener.number >= 0)
    }

    @Test func aLiveSocketIsNotReplaced() throws {
      let first = try ControlListener.open(path: path)
      #expect(failure(path) == .alreadyRunning(path: path))
      #expect(failure(path)?.code == "already_running")
      #expect(FileStatus(path)?.isSocket == true)
      #expect(first.number >= 0)
    }

    @Test func aStaleSocketIsReplaced() throws {
      try SocketDirectory(of: path).prepare()
      try leaveStaleSocket()
      #expect(FileStatus(path)?.isSocket == true)
      let listener = try ControlListener.open(path: path)
      let caller = try UnixSocket.connected(to: path, until: .now)
      #expect(caller.number != listener.number)
    }

    private func leaveStaleSocket() throws {
      try UnixSocket.bind(try UnixSocket.open(), to: path)
    }

    @Test func theFileGoesWithTheListenerUnlessAnotherTookItsPlace() throws {
      do {
        let listener = try ControlListener.open(path: path)
        #expect(listener.number >= 0)
      }
      #expect(FileStatus(path) == nil)
      do {
        let listener = try ControlListener.open(path: path)
        unlink(path)
        try leaveStaleSocket()
        #expect(listener.number >= 0)
      }
      #expect(FileStatus(path)?.isSocket == true)
    }

    @Test func otherFilesAreNeverTouched() throws {
      try SocketDirectory(of: path).prepare()
      close(open(path, O_CREAT | O_WRONLY, 0o600))
      #expect(failure(path)?.code == "path_unusable")
      #expect(FileStatus(path) != nil)
      unlink(path)
      symlink(directory.path + "/elsewhere", path)
      #expect(failure(path)?.code == "path_unusable")
      #expect(FileStatus(path)?.isLink == true)
    }

    @Test func unsafeDirectoriesAreRefused() throws {
      let real = directory.path + "/real"
      mkdir(real, 0o700)
      symlink(real, directory.path + "/link")
      #expect(failure(directory.path + "/link/s")?.code == "directory_unsafe")
      chmod(real, 0o777)
      #expect(failure(real + "/s")?.code == "directory_unsafe")
      chmod(real, 0o770)
      #expect(failure(real + "/s")?.code == "directory_unsafe")
      chmod(real, 0o700)
      if geteuid() == 0 {
        chown(real, 12345, 12345)
        #expect(failure(real + "/s")?.code == "directory_unsafe")
        chown(real, 0, 0)
      }
      #expect(failure(real + "/s") == nil)
      close(open(real + "/file", O_CREAT | O_WRONLY, 0o600))
      #expect(failure(real + "/file/s")?.code == "directory_unsafe")
      #expect(failure(real + "/missing/deep/s")?.code == "system")
      #expect(failure(real + "/" + String(repeating: "x", count: 200))?.code == "path_unusable")
    }

    @Test func adoptedSocketsKeepTheirFile() throws {
      try SocketDirectory(of: path).prepare()
      let bound = try UnixSocket.open()
      try UnixSocket.bind(bound, to: path)
      do {
        let listener = try ControlListener.adopt(dup(bound.number))
        let caller = try UnixSocket.connected(to: path, until: .now)
        guard case .client(let accepted) = listener.accept() else {
          Issue.record("nobody to accept")
          return
        }
        #expect(fcntl(accepted.number, F_GETFD) & FD_CLOEXEC != 0)
        #expect(fcntl(accepted.number, F_GETFL) & O_NONBLOCK != 0)
        #expect(fcntl(listener.number, F_GETFD) & FD_CLOEXEC != 0)
        #expect(try PeerCredentials(of: accepted).pid == getpid())
        #expect(caller.number >= 0)
      }
      #expect(FileStatus(path)?.isSocket == true)
      #expect(throws: SystemError.self) { try Self.adoptPlainSocket() }
    }

    private static func adoptPlainSocket() throws {
      _ = try ControlListener.adopt(socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0))
    }

    @Test func activationIsMeantForOneProcess() throws {
      setenv("LISTEN_PID", "1", 1)
      setenv("LISTEN_FDS", "1", 1)
      switch try ControlListener.activated() {
      case .some: Issue.record("took another process's socket")
      case .none: break
      }
      #expect(environmentVariable("LISTEN_FDS") == nil)
    }

    @Test func onlyTheOwnerAndRootMayControl() {
      #expect(PeerCredentials(uid: geteuid(), pid: 1).mayControl)
      #expect(PeerCredentials(uid: 0, pid: 1).mayControl)
      #expect(!PeerCredentials(uid: geteuid() + 1, pid: 1).mayControl)
    }
  }

  @Suite struct ClientTests {
    @Test func nobodyThereIsATypedError() throws {
      let directory = try TemporaryDirectory()
      let path = directory.path + "/s"
      #expect(throws: ControlClientError.notRunning(path: path)) { try ControlClient(path: path) }
      try UnixSocket.bind(try UnixSocket.open(), to: path)
      #expect(throws: ControlClientError.notRunning(path: path)) { try ControlClient(path: path) }
      #expect(ControlClientError.notRunning(path: path).code == "not_running")
    }

    @Test func otherDaemonsAndVersionsAreRefused() throws {
      let directory = try TemporaryDirectory()
      let path = directory.path + "/s"
      let server = try UnixSocket.open()
      try UnixSocket.bind(server, to: path)
      func connectTo(_ greeting: String) throws {
        // Fits the socket's buffer, so one thread plays both sides.
        let client = try UnixSocket.open()
        try UnixSocket.connect(client, to: path)
        let listener = try ControlListener.adopt(dup(server.number))
        do {
          guard case .client(let accepted) = listener.accept() else { return }
          _ = accepted.send(Array(greeting.utf8), from: 0)
        }
        _ = try ControlClient(adopting: client, path: path)
      }
      #expect(throws: ControlClientError.incompatible(major: 2)) {
        try connectTo("{\"event\":\"hello\",\"protocol\":{\"major\":2,\"minor\":0}}\n")
      }
      #expect(throws: ControlClientError.malformed("the first line is no hello")) { try connectTo("{}\n") }
      #expect(throws: ControlClientError.self) { try connectTo("HTTP/1.1 400\n") }
      #expect(throws: ControlClientError.closed(reason: nil)) { try connectTo("") }
      #expect(throws: ControlClientError.refused(ControlError(.busy, "full", retry: 5))) {
        try connectTo("{\"ok\":false,\"error\":{\"code\":\"busy\",\"message\":\"full\",\"retry\":5}}\n")
      }
    }

    @Test func requestsTimeOutAndLateRepliesAreSkipped() async throws {
      try await Harness.run { harness in
        let client = try harness.connect()
        #expect(throws: ControlClientError.timeout) { try client.request("test.gate", timeout: .milliseconds(20)) }
        await harness.until { harness.daemon.gates.count == 1 }
        await harness.openGate()
        #expect(try client.request("ping")["name"] == "streamd")
        #expect(try client.nextEvent(timeout: .milliseconds(1)) == nil)
      }
    }

    @Test func refusalsCarryTheError() async throws {
      try await Harness.run { harness in
        let client = try harness.connect()
        let failure = #expect(throws: ControlClientError.self) { try client.request("test.echo", ["port": 0]) }
        guard case .refused(let error) = failure else {
          Issue.record("\(String(describing: failure))")
          return
        }
        #expect(error.code == .badArgs)
        #expect(error.path == "port")
      }
    }

    @Test func thePathFollowsTheEnvironment() {
      let saved = ["STREAMD_SOCKET", "XDG_RUNTIME_DIR"].map { ($0, environmentVariable($0)) }
      defer {
        for (name, value) in saved {
          if let value { setenv(name, value, 1) } else { unsetenv(name) }
        }
      }
      unsetenv("STREAMD_SOCKET")
      setenv("XDG_RUNTIME_DIR", "/run/user/7", 1)
      #expect(ControlClient.defaultPath == "/run/user/7/streamd/control.sock")
      setenv("STREAMD_SOCKET", "/x/y", 1)
      #expect(ControlClient.defaultPath == "/x/y")
      unsetenv("STREAMD_SOCKET")
      unsetenv("XDG_RUNTIME_DIR")
      #expect(ControlClient.defaultPath == nil)
    }
  }
}
