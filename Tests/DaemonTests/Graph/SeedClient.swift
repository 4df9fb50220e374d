import Control
import Glibc
import TestSupport

/// A plain socket client: writes lines as they are typed and reads lines. It knows nothing of the protocol.
final class SeedClient {
  let descriptor: Int32
  private var waiting: [UInt8] = []

  init(path: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let fits = withUnsafeMutableBytes(of: &address.sun_path) { room in
      guard path.utf8.count < room.count else { return false }
      room.copyBytes(from: path.utf8)
      return true
    }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    var limit = timeval(tv_sec: 0, tv_usec: 50_000)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    guard fits, result == 0 else { throw SupportError("\(path): \(errno)") }
    guard try line()["event"] == "hello" else { throw SupportError("no greeting") }
  }

  deinit { close(descriptor) }

  func send(_ text: String) {
    let bytes = Array((text + "\n").utf8)
    _ = write(descriptor, bytes, bytes.count)
  }

  /// The next line, within so many seconds.
  func line(timeout seconds: Double = 10) throws -> JSON {
    let end = monotonicSeconds() + seconds
    while true {
      if let place = waiting.firstIndex(of: 0x0A) {
        let line = Array(waiting[..<place])
        waiting.removeSubrange(...place)
        return try JSON.parse(line)
      }
      guard monotonicSeconds() < end else { throw SupportError("no line came") }
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EAGAIN { continue }
      guard count > 0 else { throw SupportError("the connection ended") }
      waiting += buffer[..<count]
    }
  }

  /// What is answered; events that come before it are kept.
  @discardableResult
  func ask(_ text: String) throws -> JSON {
    send(text)
    while true {
      let line = try line()
      guard line["event"] != nil else { return line }
      events.append(line)
    }
  }

  private(set) var events: [JSON] = []

  /// The first event that is as wanted, kept or to come.
  func event(timeout seconds: Double = 10, _ isWanted: (JSON) -> Bool) throws -> JSON {
    if let index = events.firstIndex(where: isWanted) { return events.remove(at: index) }
    let end = monotonicSeconds() + seconds
    while true {
      let line = try line(timeout: max(end - monotonicSeconds(), 0))
      if line["event"] != nil, isWanted(line) { return line }
    }
  }
}
