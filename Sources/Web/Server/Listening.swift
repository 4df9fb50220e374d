internal import CLinux
internal import Glibc
import WebAccess

/// A socket that listens.
enum Listening {
  static func open(_ address: WebAddress) throws(AccessError) -> Int32 {
    switch address {
    case .network(let host, let port): try open(host, port)
    case .path(let path): try open(path)
    }
  }

  private static func open(_ host: String, _ port: UInt16) throws(AccessError) -> Int32 {
    let isSix = host.contains(":")
    let number = socket(isSix ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue) | kind, 0)
    guard number >= 0 else { throw failure("socket") }
    var yes: Int32 = 1
    unsafe setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    var result: Int32 = -1
    if isSix {
      var place = sockaddr_in6()
      place.sin6_family = sa_family_t(AF_INET6)
      place.sin6_port = port.bigEndian
      unsafe inet_pton(AF_INET6, host, &place.sin6_addr)
      result = unsafe withUnsafePointer(to: &place) {
        unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe bind(number, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
        }
      }
    } else {
      var place = sockaddr_in()
      place.sin_family = sa_family_t(AF_INET)
      place.sin_port = port.bigEndian
      unsafe inet_pton(AF_INET, host, &place.sin_addr)
      result = unsafe withUnsafePointer(to: &place) {
        unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe bind(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
    }
    return try listened(number, result, "\(host) port \(port)")
  }

  /// The directory is its owner's to guard; the socket itself is this user's alone.
  private static func open(_ path: String) throws(AccessError) -> Int32 {
    let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | kind, 0)
    guard number >= 0 else { throw failure("socket") }
    guard fchmod(number, 0o600) == 0 else { throw failure("fchmod", closing: number) }
    var facts = stat()
    // What another server left is in the way; anything else that stands there stays.
    if unsafe lstat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFSOCK { _ = unsafe unlink(path) }
    var place = sockaddr_un()
    place.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &place.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    let result = unsafe withUnsafePointer(to: &place) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    return try listened(number, result, path)
  }

  private static var kind: Int32 { Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue) }

  private static func listened(_ number: Int32, _ bound: Int32, _ name: String) throws(AccessError) -> Int32 {
    guard bound == 0, listen(number, 64) == 0 else { throw failure(name, closing: number) }
    return number
  }

  private static func failure(_ what: String, closing number: Int32 = -1) -> AccessError {
    let reason = errno
    if number >= 0 { close(number) }
    return AccessError("listen", "\(what): \(unsafe String(cString: strerror(reason)))")
  }
}
