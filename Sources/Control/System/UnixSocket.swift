internal import CLinux
internal import Glibc

/// Stream sockets of the local machine.
enum UnixSocket {
  static func open() throws(SystemError) -> Descriptor {
    let descriptor = try Descriptor(opened: socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0), by: "socket")
    try descriptor.makeNonblocking()
    return descriptor
  }

  /// Binds with mode 0600 from the first instant: on Linux the file inherits the mode of the unbound socket.
  static func bind(_ descriptor: borrowing Descriptor, to path: String) throws(SystemError) {
    guard fchmod(descriptor.number, 0o600) == 0 else { throw SystemError("fchmod") }
    let status = unsafe try withAddress(path) { unsafe Glibc.bind(descriptor.number, $0, $1) }
    guard status == 0 else { throw SystemError("bind") }
    guard listen(descriptor.number, 128) == 0 else { throw SystemError("listen") }
  }

  static func connect(_ descriptor: borrowing Descriptor, to path: String) throws(SystemError) {
    let status = unsafe try withAddress(path) { unsafe Glibc.connect(descriptor.number, $0, $1) }
    guard status == 0 else { throw SystemError("connect") }
  }

  /// Connects, waiting for a free place in the listener's queue until the deadline; then the error is EAGAIN.
  static func connected(to path: String, until deadline: Monotonic) throws(SystemError) -> Descriptor {
    let descriptor = try open()
    while true {
      do throws(SystemError) {
        try connect(descriptor, to: path)
        return descriptor
      } catch {
        guard error.number == EAGAIN || error.number == EINTR, Monotonic.now < deadline else { throw error }
        // A Unix socket gives no sign when the queue has room again.
        usleep(2000)
      }
    }
  }

  static func isListening(_ number: Int32) -> Bool {
    var domain: Int32 = 0
    var accepts: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    return unsafe getsockopt(number, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0
      && getsockopt(number, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) == 0 && domain == AF_UNIX && accepts != 0
  }

  static let longestPath = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

  private static func withAddress(
    _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) throws(SystemError) -> Int32 {
    guard path.utf8.count <= longestPath, !path.utf8.contains(0) else { throw SystemError("socket path", ENAMETOOLONG) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    return unsafe withUnsafePointer(to: &address) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }
}

/// Who is on the other end.
struct PeerCredentials: Sendable {
  let uid: UInt32
  let pid: Int32

  init(of descriptor: borrowing Descriptor) throws(SystemError) {
    var uid: UInt32 = 0
    var pid: Int32 = 0
    let status = unsafe clinux_peer_credentials(descriptor.number, &uid, &pid)
    guard status == 0 else { throw SystemError("SO_PEERCRED", status) }
    self.uid = uid
    self.pid = pid
  }

  init(uid: UInt32, pid: Int32) {
    self.uid = uid
    self.pid = pid
  }

  /// Ourselves and root.
  var mayControl: Bool { uid == geteuid() || uid == 0 }
}

extension Descriptor {
  /// A descriptor of no use but to be closed when one is needed.
  static func spare() -> Descriptor? {
    let number = dup(0)
    guard number >= 0 else { return nil }
    _ = fcntl(number, F_SETFD, FD_CLOEXEC)
    return Descriptor(owning: number)
  }
}

func environmentVariable(_ name: String) -> String? { unsafe getenv(name).map { unsafe String(cString: $0) } }

func currentProcess() -> Int32 { getpid() }
