import Glibc

extension Settings {
  /// Where packets go, as written: an address or a name that is still to be looked up, and a UDP port.
  public struct Endpoint: Sendable, Equatable, CustomStringConvertible {
    public enum Family: Sendable { case ipv4, ipv6, name }

    public let host: String
    public let port: UInt16
    public let family: Family

    /// As it is written in a file; an IPv6 address stands in brackets.
    public var description: String { family == .ipv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Reads "203.0.113.5:5004", "[2001:db8::5]:5004", "[fe80::5%eth0]:5004" or "tv.lan:5004".
    public init(_ text: String) throws(EndpointProblem) {
      guard text.utf8.count <= 320 else { throw .tooLong }
      guard let colon = text.lastIndex(of: ":") else { throw .noPort }
      let before = text[..<colon]
      let bracketed = before.hasPrefix("[") && before.hasSuffix("]") && before.count >= 2
      if !bracketed, before.contains(":") { throw .bareIPv6 }
      let digits = text[text.index(after: colon)...]
      guard (1...5).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
        let port = UInt16(digits), port > 0
      else { throw .badPort }
      self.host = bracketed ? String(before.dropFirst().dropLast()) : String(before)
      self.port = port
      self.family = try Self.family(of: host, bracketed: bracketed)
    }

    private static func family(of host: String, bracketed: Bool) throws(EndpointProblem) -> Family {
      if bracketed {
        guard isIPv6(host) else { throw .badIPv6 }
        return .ipv6
      }
      if isAddress(host, AF_INET) { return .ipv4 }
      guard !host.isEmpty else { throw .noHost }
      var labels = host.split(separator: ".", omittingEmptySubsequences: false)
      if labels.count > 1, labels.last == "" { labels.removeLast() }
      guard host.utf8.count <= 253, labels.allSatisfy({ isLabel($0) }) else { throw .badName }
      // A name never ends in a number, so this is an address with a slip in it.
      if let last = labels.last, last.utf8.allSatisfy({ (0x30...0x39).contains($0) }) { throw .badIPv4 }
      return .name
    }

    private static func isLabel(_ label: Substring) -> Bool {
      guard (1...63).contains(label.utf8.count), label.first != "-", label.last != "-" else { return false }
      return label.utf8.allSatisfy { isASCIILetterOrDigit($0) || $0 == UInt8(ascii: "-") }
    }

    /// A zone ("%eth0") is what makes a link-local address usable, so it may follow.
    private static func isIPv6(_ host: String) -> Bool {
      guard let percent = host.firstIndex(of: "%") else { return isAddress(host, AF_INET6) }
      let zone = host[host.index(after: percent)...]
      guard (1...15).contains(zone.utf8.count) else { return false }
      let plain = zone.utf8.allSatisfy { isASCIILetterOrDigit($0) || "-._".utf8.contains($0) }
      return plain && isAddress(String(host[..<percent]), AF_INET6)
    }

    private static func isAddress(_ host: String, _ family: Int32) -> Bool {
      var address = in6_addr()
      return unsafe inet_pton(family, host, &address) == 1
    }
  }

  /// Why a text names no endpoint.
  public enum EndpointProblem: String, Error, Sendable {
    case tooLong = "is too long"
    case noPort = "has no port; write host:port"
    case badPort = "has no port between 1 and 65535 after its last colon"
    case bareIPv6 = "has more than one colon; write an IPv6 address as [address]:port"
    case badIPv4 = "holds no valid IPv4 address"
    case badIPv6 = "holds no valid IPv6 address in its brackets"
    case noHost = "has no host before the port"
    case badName = "holds no valid host name"
  }
}

extension Settings.Endpoint: SettingRepresentable {
  init?(setting: SettingValue) {
    guard case .text(let text) = setting, let endpoint = try? Settings.Endpoint(text) else { return nil }
    self = endpoint
  }
  var setting: SettingValue { .text(description) }
}

func isASCIILetterOrDigit(_ byte: UInt8) -> Bool {
  switch byte {
  case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
  default: false
  }
}
