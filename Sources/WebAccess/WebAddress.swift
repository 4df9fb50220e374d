/// Where a server listens.
public enum WebAddress: Sendable, Equatable {
  case network(host: String, port: UInt16)
  case path(String)

  public init(_ text: String) throws(AccessError) {
    if text.hasPrefix("/") {
      guard text.utf8.count <= 107 else { throw AccessError("bad_listen", "\(text): at most 107 bytes") }
      self = .path(text)
      return
    }
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0 else {
      throw AccessError("bad_listen", "\(text): an address and a port, such as 127.0.0.1:8787, or a path")
    }
    var host = String(text[..<colon])
    if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
    if host == "localhost" { host = "127.0.0.1" }
    guard isAddress(host) else {
      throw AccessError("bad_listen", "\(text): \(host) is no address; 127.0.0.1 is for this computer alone")
    }
    self = .network(host: host, port: port)
  }

  /// Only programs of this computer come this way.
  public var isLocal: Bool {
    switch self {
    case .path: true
    case .network(let host, _): host.hasPrefix("127.") || host == "::1"
    }
  }
}
