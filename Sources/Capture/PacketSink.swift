import CLinux
import Glibc

/// Where finished packets go. Never blocks.
public protocol PacketSink: Sendable {
  /// Thread: the encoder's.
  func send(_ packet: UnsafeRawBufferPointer) -> SendOutcome
}

public enum SendOutcome: Sendable, Equatable {
  case sent
  /// Lost here, with the system's reason; the stream goes on.
  case failed(errno: Int32)
}

/// An unconnected UDP socket and one destination. Unconnected, so that a client's closed port is never an error of ours.
public final class DatagramSink: PacketSink {
  private let descriptor: Int32
  private let address: sockaddr_storage
  private let length: socklen_t

  /// `host` is a literal address or a name, resolved once here. Thread: control.
  public init(host: String, port: UInt16) throws(DatagramError) {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_DGRAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    let result = getaddrinfo(host, String(port), &hints, &found)
    guard result == 0, let first = found else {
      throw DatagramError(code: "address", message: "\(host): \(String(cString: gai_strerror(result)))")
    }
    defer { freeaddrinfo(found) }
    var storage = sockaddr_storage()
    length = first.pointee.ai_addrlen
    withUnsafeMutableBytes(of: &storage) {
      $0.copyMemory(from: UnsafeRawBufferPointer(start: first.pointee.ai_addr, count: Int(first.pointee.ai_addrlen)))
    }
    address = storage
    descriptor = socket(
      first.pointee.ai_family, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw DatagramError(code: "socket", message: String(cString: strerror(errno))) }
    // Bound at once, so that the port is known before the first packet.
    var own = sockaddr_storage()
    own.ss_family = storage.ss_family
    let bound = withUnsafePointer(to: &own) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
    }
    guard bound == 0 else {
      let reason = String(cString: strerror(errno))
      close(descriptor)
      throw DatagramError(code: "socket", message: reason)
    }
  }

  deinit { close(descriptor) }

  /// The local address the system would send from, as text: what a session description names as its origin.
  public var sourceAddress: String {
    var probe = address
    let descriptor = socket(Int32(address.ss_family), Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    defer { close(descriptor) }
    var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let found = withUnsafeMutablePointer(to: &probe) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &size) == 0
          && getnameinfo($0, size, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
      }
    }
    guard found else { return address.ss_family == sa_family_t(AF_INET6) ? "::1" : "127.0.0.1" }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The port datagrams leave from.
  public var localPort: UInt16 {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let result = withUnsafeMutablePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    guard result == 0 else { return 0 }
    // The port lies at the same place in both address families.
    return withUnsafeBytes(of: &storage) { UInt16(bigEndian: $0.load(fromByteOffset: 2, as: UInt16.self)) }
  }

  public func send(_ packet: UnsafeRawBufferPointer) -> SendOutcome {
    let error = withUnsafePointer(to: address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        clinux_send_datagram(descriptor, $0, length, packet.baseAddress, packet.count)
      }
    }
    return error == 0 ? .sent : .failed(errno: error)
  }
}

public struct DatagramError: Error, Sendable, Equatable {
  public var code: String
  public var message: String
}
