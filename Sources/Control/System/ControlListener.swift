internal import CLinux
internal import Glibc

/// Why the socket cannot be opened.
public enum ControlListenerError: Error, Sendable, Equatable {
  /// Another daemon answers there.
  case alreadyRunning(path: String)
  case pathUnusable(path: String, reason: String)
  case directoryUnsafe(path: String, reason: String)
  case system(SystemError, path: String)

  public var code: String {
    switch self {
    case .alreadyRunning: "already_running"
    case .pathUnusable: "path_unusable"
    case .directoryUnsafe: "directory_unsafe"
    case .system: "system"
    }
  }
}

extension ControlListenerError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .alreadyRunning(let path): "a daemon is already running on \(path)"
    case .pathUnusable(let path, let reason): "\(path) cannot be the control socket: \(reason)"
    case .directoryUnsafe(let path, let reason): "\(path) cannot hold the control socket: \(reason)"
    case .system(let error, let path): "\(path): \(error)"
    }
  }
}

enum AcceptResult: ~Copyable {
  case client(Descriptor)
  case none
  /// The process or the system has no descriptor left.
  case exhausted
}

/// A bound Unix socket that only its user can reach. Removes its file when it goes away, if the file is still its own.
public struct ControlListener: ~Copyable, Sendable {
  private let descriptor: Descriptor
  /// Nil: handed over by the service manager, whose file it is.
  private let file: SocketFile?

  private init(_ descriptor: consuming Descriptor, file: SocketFile?) {
    self.descriptor = descriptor
    self.file = file
  }

  deinit { file?.remove() }

  var number: Int32 { descriptor.number }

  /// Opens the socket at `path`. Its directory is made with mode 0700 if missing, refused if others could tamper with it;
  /// a file left behind by a dead daemon is replaced.
  public static func open(path: String) throws(ControlListenerError) -> ControlListener {
    let directory = SocketDirectory(of: path)
    try directory.prepare()
    // Two daemons that start together must not both find the same stale file.
    let guardian = try directory.lock()
    defer { _ = guardian.number }
    try SocketFile.clear(path)
    do throws(SystemError) {
      let descriptor = try UnixSocket.open()
      try UnixSocket.bind(descriptor, to: path)
      return ControlListener(descriptor, file: try SocketFile(path: path))
    } catch {
      throw .system(error, path: path)
    }
  }

  /// The socket handed over by the service manager (`LISTEN_FDS`), if any. Call once, before threads start: it takes the
  /// variables out of the environment.
  public static func activated() throws(SystemError) -> ControlListener? {
    defer {
      for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsafe unsetenv(name) }
    }
    guard environmentVariable("LISTEN_PID") == String(getpid()),
      let count = environmentVariable("LISTEN_FDS").flatMap({ Int($0) }), count >= 1
    else { return nil }
    return try adopt(3)
  }

  /// Takes over a listening Unix socket.
  static func adopt(_ number: Int32) throws(SystemError) -> ControlListener {
    guard UnixSocket.isListening(number) else { throw SystemError("LISTEN_FDS", EINVAL) }
    let descriptor = Descriptor(owning: number)
    try descriptor.makeNonblocking()
    return ControlListener(descriptor, file: nil)
  }

  func accept() -> AcceptResult {
    while true {
      let number = Glibc.accept(descriptor.number, nil, nil)
      if number >= 0 {
        let client = Descriptor(owning: number)
        do throws(SystemError) {
          try client.makeNonblocking()
          return .client(client)
        } catch {
          return .none
        }
      }
      switch errno {
      case EINTR, ECONNABORTED: continue
      case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .exhausted
      default: return .none
      }
    }
  }
}
