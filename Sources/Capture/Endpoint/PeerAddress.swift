import CLinux
import Glibc

/// Where a datagram came from, as a value: an IPv4 address mapped into IPv6 is that IPv4 address.
public struct PeerAddress: Hashable, Sendable, CustomStringConvertible {
  /// Four bytes or sixteen.
  public let bytes: [UInt8]
  public let port: UInt16

  public init(bytes: [UInt8], port: UInt16) {
    let isMapped = bytes.count == 16 && bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 255 && bytes[11] == 255
    self.bytes = isMapped ? Array(bytes[12...]) : bytes
    self.port = port
  }

  init?(_ path: clinux_path) {
    var peer = path.peer
    let raw = withUnsafeBytes(of: &peer) { Array($0.prefix(28)) }
    let port = UInt16(raw[2]) << 8 | UInt16(raw[3])
    switch Int32(path.peer.ss_family) {
    case AF_INET: self.init(bytes: Array(raw[4..<8]), port: port)
    case AF_INET6: self.init(bytes: Array(raw[8..<24]), port: port)
    default: return nil
    }
  }

  /// A literal address, without a port.
  public init?(literal text: String) {
    var four = in_addr()
    var six = in6_addr()
    if inet_pton(AF_INET, text, &four) == 1 {
      self.init(bytes: withUnsafeBytes(of: &four) { Array($0) }, port: 0)
    } else if inet_pton(AF_INET6, text, &six) == 1 {
      self.init(bytes: withUnsafeBytes(of: &six) { Array($0) }, port: 0)
    } else {
      return nil
    }
  }

  public func isSameHost(as other: PeerAddress) -> Bool { bytes == other.bytes }

  public var description: String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    guard inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, bytes, &text, socklen_t(text.count)) != nil else {
      return "?"
    }
    let host = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return bytes.count == 4 ? "\(host):\(port)" : "[\(host)]:\(port)"
  }
}
