import AudioCore
import CLinux
import Glibc

enum ReceiverError: Error, Hashable, Sendable {
  case badAddress(String)
  case socket(operation: String, errno: Int32)
  case unplayable(String)
  case alreadyStarted

  var code: String {
    switch self {
    case .badAddress: "listen_bad_address"
    case .socket: "listen_socket"
    case .unplayable: "listen_unplayable"
    case .alreadyStarted: "listen_already_started"
    }
  }

  var message: String {
    switch self {
    case .badAddress(let text): "\(text) is no IPv4 or IPv6 address"
    case .socket(let operation, let number): "\(operation): \(String(cString: strerror(number)))"
    case .unplayable(let why): "the session cannot be played: \(why)"
    case .alreadyStarted: "the receiver has been started before"
    }
  }
}

/// Where a socket sends to.
struct SocketPeer: Sendable {
  fileprivate let address: sockaddr_storage
  fileprivate let length: socklen_t

  /// Looks a name up, if it is one. The first of its addresses counts.
  init(host: String, port: UInt16) throws(ReceiverError) {
    var hints = addrinfo()
    hints.ai_flags = AI_NUMERICSERV
    hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, String(port), &hints, &found) == 0, let found else { throw .badAddress(host) }
    defer { freeaddrinfo(found) }
    var storage = sockaddr_storage()
    memcpy(&storage, found.pointee.ai_addr, Int(found.pointee.ai_addrlen))
    address = storage
    length = found.pointee.ai_addrlen
  }

  /// The address to bind that reaches every peer of this family.
  var anyAddress: String { Int32(address.ss_family) == AF_INET6 ? "::" : "0.0.0.0" }
}

/// A bound UDP socket that stamps what it receives with the kernel's time, and an event that interrupts the wait for it.
struct ReceiverSocket: ~Copyable, Sendable {
  let port: UInt16
  private let descriptor: Int32
  private let waker: Int32

  /// Port 0 takes a free one.
  init(address: String, port: UInt16) throws(ReceiverError) {
    (descriptor, waker) = try Self.opened(address, port)
    self.port = Self.portOf(descriptor)
  }

  deinit {
    close(descriptor)
    close(waker)
  }

  /// Waits for a datagram, a wake or the end of `timeout`, whichever is first.
  func wait(_ timeout: HostDuration) {
    var polled = [
      pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: waker, events: Int16(POLLIN), revents: 0),
    ]
    // Rounded up: waking a little late costs less than spinning until it is time.
    _ = poll(&polled, 2, Int32((max(timeout.nanoseconds, 0) + 999_999) / 1_000_000))
  }

  func wake() {
    var one: UInt64 = 1
    _ = write(waker, &one, 8)
  }

  /// The next datagram's length and when it arrived; nil when none is waiting.
  func receive(into bytes: UnsafeMutableRawBufferPointer) -> (length: Int, at: HostTime)? {
    var from = sockaddr_storage()
    var fromLength: socklen_t = 0
    var stamp: Int64 = 0
    let length = clinux_receive_stamped(descriptor, bytes.baseAddress, bytes.count, &stamp, &from, &fromLength)
    // An error of an earlier send is reported here, too: a host that is not there yet, and that passes.
    return length < 0 ? nil : (length, HostTime(nanoseconds: stamp))
  }

  /// What cannot be sent is not: the next one follows soon.
  func send(_ bytes: [UInt8], to peer: SocketPeer) {
    var address = peer.address
    withUnsafeBytes(of: &address) { raw in
      _ = sendto(
        descriptor, bytes, bytes.count, 0, raw.baseAddress!.assumingMemoryBound(to: sockaddr.self), peer.length)
    }
  }

  private static func opened(_ address: String, _ port: UInt16) throws(ReceiverError) -> (Int32, Int32) {
    let descriptor = try bound(address, port)
    let waker = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    guard waker >= 0 else {
      let number = errno
      close(descriptor)
      throw .socket(operation: "eventfd", errno: number)
    }
    return (descriptor, waker)
  }

  private static func bound(_ address: String, _ port: UInt16) throws(ReceiverError) -> Int32 {
    var hints = addrinfo()
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
    hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(address, String(port), &hints, &found) == 0, let found else { throw .badAddress(address) }
    defer { freeaddrinfo(found) }
    let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    let descriptor = socket(found.pointee.ai_family, kind, 0)
    guard descriptor >= 0 else { throw .socket(operation: "socket", errno: errno) }
    var on: Int32 = 1
    // Room for half a second of the largest streams while this process is kept from running.
    var room: Int32 = 1 << 18
    setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &on, 4)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &room, 4)
    guard bind(descriptor, found.pointee.ai_addr, found.pointee.ai_addrlen) == 0 else {
      let number = errno
      close(descriptor)
      throw .socket(operation: "bind \(address) port \(port)", errno: number)
    }
    return descriptor
  }

  private static func portOf(_ descriptor: Int32) -> UInt16 {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutableBytes(of: &storage) { raw in
      guard getsockname(descriptor, raw.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length) == 0 else {
        return 0
      }
      // Both families keep the port behind the family, in network order.
      return UInt16(bigEndian: raw.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
    }
  }
}
