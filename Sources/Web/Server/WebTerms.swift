public import WebAccess

/// What a server is to be.
public struct WebTerms: Sendable {
  /// An address and a port, such as 127.0.0.1:8787 or [::]:8787, or the path of a Unix socket.
  public var listen: String
  /// Names besides the loopback's own by which it may be reached.
  public var hosts: [String]
  public var certificate: Certificate?
  public var tokens: TokenFile
  /// Of the socket that operations are carried out over.
  public var controlPath: String
  public var version: String
  public var limits = Limits()

  public struct Limits: Sendable {
    public var connections = 128
    public var connectionsPerAddress = 64
    public var streams = 16
    /// Requests that wait for the daemon.
    public var pending = 64
    public var bodyBytes = 512 * 1024
    public var headerBytes = 16 * 1024
    /// From a connection's begin, or its last answer, to the end of the next request, however slowly bytes drip in.
    public var requestSeconds = 15
    /// Of an answer that nobody takes.
    public var idleSeconds = 30
    public var replySeconds = 10
    public var heartbeatSeconds = 15

    public init() {}
  }

  public init(
    listen: String, hosts: [String], certificate: Certificate?, tokens: TokenFile, controlPath: String, version: String
  ) {
    (self.listen, self.hosts, self.certificate, self.tokens) = (listen, hosts, certificate, tokens)
    (self.controlPath, self.version) = (controlPath, version)
  }
}
