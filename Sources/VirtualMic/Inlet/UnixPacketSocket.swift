import CLinux
import Glibc

/// Unix sockets that keep messages apart and in order and say when the other end is gone (SOCK_SEQPACKET).
enum UnixPacketSocket {
  private static let kind = Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)

  /// Binds with mode 0600 from the first instant: the file inherits the mode of the unbound socket. A file left by a dead
  /// process is replaced; anything else that is there stays.
  static func listen(at path: String, backlog: Int32) throws(MicSocketError) -> Int32 {
    try clear(path)
    let opened = try open()
    let bound = try withAddress(path) { address, length in
      fchmod(opened, 0o600) == 0 && Glibc.bind(opened, address, length) == 0 && Glibc.listen(opened, backlog) == 0
    }
    guard bound else {
      let error = errno
      close(opened)
      throw failure("path", path, error)
    }
    return opened
  }

  static func connect(to path: String) throws(MicSocketError) -> Int32 {
    let opened = try open()
    guard try withAddress(path, { Glibc.connect(opened, $0, $1) == 0 }) else {
      let error = errno
      close(opened)
      throw failure(error == EACCES ? "denied" : "path", path, error)
    }
    return opened
  }

  private static func open() throws(MicSocketError) -> Int32 {
    let opened = socket(AF_UNIX, kind, 0)
    guard opened >= 0 else { throw failure("socket", "socket", errno) }
    return opened
  }

  private static func clear(_ path: String) throws(MicSocketError) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFSOCK, status.st_uid == geteuid() else {
      throw MicSocketError("path", "\(path): something else is there")
    }
    let probe = try open()
    defer { close(probe) }
    let answered = try withAddress(path) { Glibc.connect(probe, $0, $1) == 0 }
    guard !answered, errno == ECONNREFUSED else { throw MicSocketError("path", "\(path): somebody answers there") }
    unlink(path)
  }

  private static func withAddress(
    _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Bool
  ) throws(MicSocketError) -> Bool {
    var address = sockaddr_un()
    guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path), !path.utf8.contains(0) else {
      throw failure("path", path, ENAMETOOLONG)
    }
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
  }

  private static func failure(_ code: String, _ what: String, _ error: Int32) -> MicSocketError {
    MicSocketError(code, "\(what): \(String(cString: strerror(error)))")
  }
}
