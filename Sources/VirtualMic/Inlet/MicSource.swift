import CLinux
import Glibc

/// A computer on the network. IPv4 addresses are kept mapped into IPv6, so that each has one form.
public struct MicHost: Hashable, Sendable, CustomStringConvertible {
  public let bytes: SIMD16<UInt8>

  public init(bytes: SIMD16<UInt8>) { self.bytes = bytes }

  /// A literal address.
  public init?(literal text: String) {
    var six = in6_addr()
    if inet_pton(AF_INET6, text, &six) == 1 || inet_pton(AF_INET6, "::ffff:" + text, &six) == 1 {
      bytes = withUnsafeBytes(of: &six) { $0.loadUnaligned(as: SIMD16<UInt8>.self) }
    } else {
      return nil
    }
  }

  public var description: String {
    var copy = bytes
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    guard inet_ntop(AF_INET6, &copy, &text, socklen_t(text.count)) != nil else { return "?" }
    let host = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return host.hasPrefix("::ffff:") && host.contains(".") ? String(host.dropFirst(7)) : host
  }
}

/// Where a datagram came from.
public struct MicSource: Hashable, Sendable, CustomStringConvertible {
  public let host: MicHost
  public let port: UInt16

  public init(host: MicHost, port: UInt16) {
    self.host = host
    self.port = port
  }

  public init?(_ literal: String, port: UInt16) {
    guard let host = MicHost(literal: literal) else { return nil }
    self.init(host: host, port: port)
  }

  init?(_ address: sockaddr_storage) {
    var address = address
    let family = Int32(address.ss_family)
    guard family == AF_INET || family == AF_INET6 else { return nil }
    (host, port) = withUnsafeBytes(of: &address) { raw in
      let port = UInt16(raw[2]) << 8 | UInt16(raw[3])
      guard family == AF_INET else {
        return (MicHost(bytes: raw.loadUnaligned(fromByteOffset: 8, as: SIMD16<UInt8>.self)), port)
      }
      var mapped = SIMD16<UInt8>(repeating: 0)
      (mapped[10], mapped[11]) = (255, 255)
      for index in 0..<4 { mapped[12 + index] = raw[4 + index] }
      return (MicHost(bytes: mapped), port)
    }
  }

  public var description: String {
    let text = host.description
    return text.contains(":") ? "[\(text)]:\(port)" : "\(text):\(port)"
  }
}
