public import AudioCore
import CLinux
import Glibc
import Synchronization
import Wire

/// The UDP port a client pings and hears from: answers to where the client proves to be, from the address it knows.
///
/// Pings are read on the control thread and packets sent on the encoder's. Between them stands one path behind a lock that
/// neither holds across a system call.
public final class ClientEndpoint: Sendable {
  public struct Options: Sendable {
    /// A literal address to bind; nil is every one.
    public var bind: String?
    /// 0 picks a free one.
    public var port: UInt16
    /// Marks packets as interactive audio (DSCP CS6).
    public var quality: Bool
    public var terms: PingPolicy.Terms

    public init(bind: String?, port: UInt16, quality: Bool, terms: PingPolicy.Terms) {
      self.bind = bind
      self.port = port
      self.quality = quality
      self.terms = terms
    }
  }

  public struct Facts: Sendable, Equatable {
    public var peer: PeerAddress?
    public var heardAt: HostTime?
    public var pings: UInt64 = 0
    public var moves: UInt64 = 0
    public var ignored: UInt64 = 0
  }

  /// To be watched for reading.
  public let descriptor: Int32
  public let localPort: UInt16
  private let policy: Mutex<PingPolicy>
  private let path = Mutex<clinux_path?>(nil)

  /// More than this at a time would let a flood hold up other work.
  private static let readLimit = 32

  /// Thread: control.
  public init(_ options: Options) throws(DatagramError) {
    policy = Mutex(PingPolicy(options.terms))
    let opened = try Self.open(options)
    descriptor = opened
    localPort = Self.port(of: opened)
    let legacy = options.terms.allowsLegacy
    let error =
      options.terms.payload.map { payload in
        Array(payload.text.utf8).withUnsafeBufferPointer {
          clinux_datagram_filter_pings(opened, $0.baseAddress, legacy)
        }
      } ?? clinux_datagram_filter_pings(opened, nil, legacy)
    guard error == 0 else {
      close(opened)
      throw DatagramError(code: "socket", message: String(cString: strerror(error)))
    }
  }

  deinit { close(descriptor) }

  /// Reads the pings there are. True when the client was heard at a new address. Thread: control.
  public func readPings(now: HostTime) -> Bool {
    var moved = false
    var bytes = [UInt8](repeating: 0, count: 64)
    for _ in 0..<Self.readLimit {
      var from = clinux_path()
      let length = clinux_datagram_receive(descriptor, &bytes, bytes.count, &from)
      guard length > 0 else { break }
      let ping = bytes.withUnsafeBytes { GameStreamPing(parsing: UnsafeRawBufferPointer(rebasing: $0[..<length])) }
      guard let ping, let sender = PeerAddress(from) else { continue }
      if policy.withLock({ $0.take(ping, from: sender, at: now) }) == .moved {
        let answer = from
        path.withLock { $0 = answer }
        moved = true
      }
    }
    return moved
  }

  public var facts: Facts {
    policy.withLock {
      Facts(peer: $0.peer, heardAt: $0.heardAt, pings: $0.pings, moves: $0.moves, ignored: $0.ignored)
    }
  }

  /// Whether anybody is there to be sent to. Thread: any.
  public var isReached: Bool { path.withLock { $0 != nil } }

  /// Sends a packet, and what protects its block behind it, in one call. Thread: the encoder's.
  public func send(_ packet: UnsafeRawBufferPointer, _ parity: ParityPair? = nil) -> SendOutcome {
    guard var to = path.withLock({ $0 }) else { return .sent }
    var parts = InlineArray<3, iovec>(repeating: iovec())
    parts[0] = Self.vector(packet)
    if let parity {
      parts[1] = Self.vector(parity.first)
      parts[2] = Self.vector(parity.second)
    }
    let count: Int32 = parity == nil ? 1 : 3
    let result = parts.span.withUnsafeBufferPointer {
      clinux_datagram_send(descriptor, &to, $0.baseAddress, count)
    }
    // A client whose port is closed for now is none of our errors: it may come back.
    if result < 0 { return -result == ECONNREFUSED ? .sent : .failed(errno: -result) }
    return result == count ? .sent : .failed(errno: ENOBUFS)
  }

  /// The two packets that protect a block.
  public struct ParityPair {
    public var first: UnsafeRawBufferPointer
    public var second: UnsafeRawBufferPointer

    public init(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer) {
      self.first = first
      self.second = second
    }
  }

  private static func vector(_ bytes: UnsafeRawBufferPointer) -> iovec {
    iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
  }

  private static func open(_ options: Options) throws(DatagramError) -> Int32 {
    let candidates = options.bind.map { [$0] } ?? ["::", "0.0.0.0"]
    var last = EAFNOSUPPORT
    for host in candidates {
      var (own, length) = try address(host, options.port)
      let opened = withUnsafePointer(to: &own) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { clinux_datagram_open($0, length, options.quality) }
      }
      if opened >= 0 { return opened }
      last = -opened
      // Another family helps only where this one is missing.
      guard last == EAFNOSUPPORT || last == EADDRNOTAVAIL else { break }
    }
    let code = last == EADDRINUSE || last == EACCES ? "port" : "bind"
    throw DatagramError(code: code, message: "port \(options.port): \(String(cString: strerror(last)))")
  }

  private static func address(_ host: String, _ port: UInt16) throws(DatagramError) -> (sockaddr_storage, socklen_t) {
    var storage = sockaddr_storage()
    guard let parsed = PeerAddress(literal: host) else {
      throw DatagramError(code: "bind", message: "\"\(host)\" is no address")
    }
    let isFour = parsed.bytes.count == 4
    storage.ss_family = sa_family_t(isFour ? AF_INET : AF_INET6)
    withUnsafeMutableBytes(of: &storage) {
      $0[2] = UInt8(port >> 8)
      $0[3] = UInt8(port & 255)
      for (index, byte) in parsed.bytes.enumerated() { $0[(isFour ? 4 : 8) + index] = byte }
    }
    return (storage, socklen_t(isFour ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size))
  }

  private static func port(of descriptor: Int32) -> UInt16 {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let result = withUnsafeMutablePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    guard result == 0 else { return 0 }
    return withUnsafeBytes(of: &storage) { UInt16($0[2]) << 8 | UInt16($0[3]) }
  }
}
