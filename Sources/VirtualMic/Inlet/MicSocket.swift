public import AudioCore
import CLinux
import Glibc
import Wire

/// The UDP port on which clients' microphones arrive, and the door behind it.
/// Thread: one owner, never the render thread.
public final class MicSocket {
  /// To be watched for reading.
  public let descriptor: Int32
  public let localPort: UInt16
  /// The address it was asked to listen on; nil for every one.
  public let bind: String?
  public var door = MicDoor()
  /// Datagrams the kernel had no room for.
  public private(set) var dropped: UInt32 = 0
  private let rooms: UnsafeMutableRawBufferPointer
  private var items = [clinux_batch_item](repeating: clinux_batch_item(), count: batch)

  private static let batch = Int(clinux_batch_limit)
  /// More in one go would let a flood hold up other work. What is left makes the descriptor ready again.
  static let drainLimit = 4 * batch
  /// One more than a datagram may have, so that a longer one shows.
  private static let stride = MicLimits.datagram + 8
  /// Some hundred packets: what a network that stalled delivers at once.
  private static let receiveBytes: Int32 = 256 * 1024

  /// `bind` is a literal address, nil every one; port 0 picks a free one.
  public init(bind: String? = nil, port: UInt16) throws(MicSocketError) {
    let opened = try Self.open(bind, port)
    descriptor = opened
    self.bind = bind
    localPort = Self.port(of: opened)
    rooms = .allocate(byteCount: Self.batch * Self.stride, alignment: 16)
    rooms.initializeMemory(as: UInt8.self, repeating: 0)
    let error = clinux_batch_prepare(opened, Self.receiveBytes)
    guard error == 0 else { throw MicSocketError("socket", String(cString: strerror(error))) }
  }

  deinit {
    close(descriptor)
    rooms.deallocate()
  }

  /// Reads what there is, up to a limit, and hands on what can be heard. Returns the number of datagrams.
  @discardableResult public func drain(at now: HostTime, into deliver: (TalkerID, MicFrame) -> Void) -> Int {
    var taken = 0
    while taken < Self.drainLimit {
      let count = clinux_batch_receive(descriptor, rooms.baseAddress, Self.stride, Int32(Self.batch), &items, &dropped)
      // An error is that of an earlier datagram, and none of ours.
      guard count > 0 else { break }
      taken += Int(count)
      for index in 0..<Int(count) { take(index, now, deliver) }
      if count < Self.batch { break }
    }
    return taken
  }

  private func take(_ index: Int, _ now: HostTime, _ deliver: (TalkerID, MicFrame) -> Void) {
    guard let source = MicSource(items[index].from) else { return }
    let length = min(items[index].length, Self.stride)
    let bytes = UnsafeRawBufferPointer(rebasing: rooms[index * Self.stride..<index * Self.stride + length])
    if case .frame(let talker, let frame) = door.take(bytes, from: source, at: now) { deliver(talker, frame) }
  }

  private static func open(_ host: String?, _ port: UInt16) throws(MicSocketError) -> Int32 {
    var last = EAFNOSUPPORT
    for host in host.map({ [$0] }) ?? ["::", "0.0.0.0"] {
      var (own, length) = try address(host, port)
      let opened = withUnsafePointer(to: &own) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { clinux_datagram_open($0, length, false) }
      }
      if opened >= 0 { return opened }
      last = -opened
      // Another family helps only where this one is missing.
      guard last == EAFNOSUPPORT || last == EADDRNOTAVAIL else { break }
    }
    let code = last == EADDRINUSE || last == EACCES ? "port" : "bind"
    throw MicSocketError(code, "port \(port): \(String(cString: strerror(last)))")
  }

  private static func address(_ host: String, _ port: UInt16) throws(MicSocketError) -> (sockaddr_storage, socklen_t) {
    guard let parsed = MicHost(literal: host) else { throw MicSocketError("bind", "\"\(host)\" is no address") }
    var storage = sockaddr_storage()
    let isFour = !host.contains(":")
    storage.ss_family = sa_family_t(isFour ? AF_INET : AF_INET6)
    withUnsafeMutableBytes(of: &storage) {
      $0[2] = UInt8(port >> 8)
      $0[3] = UInt8(port & 255)
      for index in isFour ? 12..<16 : 0..<16 { $0[(isFour ? 4 - 12 : 8) + index] = parsed.bytes[index] }
    }
    return (storage, socklen_t(isFour ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size))
  }

  private static func port(of descriptor: Int32) -> UInt16 {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let result = withUnsafeMutablePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    return result == 0 ? MicSource(storage)?.port ?? 0 : 0
  }
}
