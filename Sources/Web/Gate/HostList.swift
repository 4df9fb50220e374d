/// The names by which a browser may reach us. A page that makes its own name point at us has another name, so it gets nothing.
public struct HostList: Sendable, Equatable {
  private let exact: Set<String>
  private let names: Set<String>

  /// `hosts` are names or addresses, as `name`, which any port goes with, or `name:port`; an IPv6 address has its brackets
  /// where a port follows. The loopback's own names at `port` are always among them when it is listened on.
  public init(_ hosts: [String], loopbackPort port: UInt16?) {
    var exact: Set<String> = []
    var names: Set<String> = []
    for host in hosts {
      let parts = Self.split(host.lowercased())
      if parts.port != nil { exact.insert(Self.key(parts)) } else { names.insert(parts.name) }
    }
    if let port {
      for name in ["localhost", "127.0.0.1", "::1"] { exact.insert(Self.key((name, Int(port)))) }
    }
    (self.exact, self.names) = (exact, names)
  }

  /// As the `Host` of a request has it.
  public func allows(_ host: String) -> Bool {
    guard (1...261).contains(host.utf8.count), host.utf8.allSatisfy(Self.isPlain) else { return false }
    let parts = Self.split(host.lowercased())
    return exact.contains(Self.key(parts)) || names.contains(parts.name)
  }

  /// As the `Origin` of a request has it: a scheme and a host that is allowed.
  public func allowsOrigin(_ origin: String) -> Bool {
    for scheme in ["http://", "https://"] where origin.hasPrefix(scheme) {
      return allows(String(origin.dropFirst(scheme.utf8.count)))
    }
    return false
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
      || ".-_:[]".utf8.contains(byte)
  }

  private static func key(_ parts: (name: String, port: Int?)) -> String {
    parts.port.map { "\(parts.name) \($0)" } ?? parts.name
  }

  /// An address in brackets loses them; a colon that is not the last of one is an address's own.
  private static func split(_ host: String) -> (name: String, port: Int?) {
    if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
      let name = String(host[host.index(after: host.startIndex)..<end])
      let rest = host[host.index(after: end)...]
      guard !rest.isEmpty else { return (name, nil) }
      guard rest.hasPrefix(":"), let port = number(rest.dropFirst()) else { return (host, nil) }
      return (name, port)
    }
    let colons = host.utf8.count { $0 == 0x3A }
    guard colons == 1, let colon = host.firstIndex(of: ":"), let port = number(host[host.index(after: colon)...])
    else { return (host, nil) }
    return (String(host[..<colon]), port)
  }

  private static func number(_ text: Substring) -> Int? {
    guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(text) else { return nil }
    return Int(port)
  }
}
