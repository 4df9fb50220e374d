public import AudioCore
public import Capture
import OpusCodec
public import Wire

/// What a GameStream client and its host have agreed on.
public struct GameStreamTerms: Sendable, Equatable {
  /// Of the launch request. Compared by identity: nothing else may look at it.
  public struct Encryption: Sendable, Equatable {
    public var key: GameStreamKey
    public var keyID: Int32

    public init(key: GameStreamKey, keyID: Int32) {
      self.key = key
      self.keyID = keyID
    }

    public static func == (a: Self, b: Self) -> Bool { a.key === b.key && a.keyID == b.keyID }
  }

  public var bind: String?
  /// 0 picks a free one.
  public var port: UInt16
  public var quality: Bool
  public var duration: GameStreamPacketDuration
  public var encryption: Encryption?
  public var ping: PingPolicy.Terms
  public var coupling: GameStreamCoupling
  public var custom: SurroundParams?
  /// How long a client may be silent.
  public var timeout: HostDuration

  public init(
    bind: String?, port: UInt16, quality: Bool, duration: GameStreamPacketDuration, encryption: Encryption?,
    ping: PingPolicy.Terms, coupling: GameStreamCoupling, custom: SurroundParams?, timeout: HostDuration
  ) {
    self.bind = bind
    self.port = port
    self.quality = quality
    self.duration = duration
    self.encryption = encryption
    self.ping = ping
    self.coupling = coupling
    self.custom = custom
    self.timeout = timeout
  }
}

extension PingPolicy.Terms {
  public static func == (a: Self, b: Self) -> Bool {
    a.payload == b.payload && a.allowsLegacy == b.allowsLegacy && a.host == b.host
  }
}

/// GameStream to a client that shows itself by pings.
public final class GameStreamLine: SessionLine {
  public let terms: GameStreamTerms
  public let endpoint: ClientEndpoint
  /// The lines that the host prints for the client.
  public let description: String
  private let client: GameStreamOutlet

  init(_ terms: GameStreamTerms, _ spec: SessionSpec) throws(SessionError) {
    self.terms = terms
    try Self.check(spec.configuration, terms)
    do {
      endpoint = try ClientEndpoint(
        ClientEndpoint.Options(bind: terms.bind, port: terms.port, quality: terms.quality, terms: terms.ping))
    } catch { throw SessionError(error) }
    var encryptor: GameStreamCipher.Encryptor?
    if let encryption = terms.encryption {
      do throws(GameStreamCipherError) {
        encryptor = try GameStreamCipher.Encryptor(key: encryption.key, keyID: encryption.keyID)
      } catch { throw SessionError(code: error.code, message: "encryption is not available") }
    }
    client = GameStreamOutlet(endpoint: endpoint, duration: terms.duration, encryptor: encryptor)
    description = SurroundParams.lines(coupling: terms.coupling, custom: terms.custom).map { $0 + "\n" }.joined()
  }

  public var outlet: any PacketOutlet { client }
  public var localPort: UInt16 { endpoint.localPort }
  public var counts: OutletCounts { client.counts }

  public func admit(_ spec: SessionSpec) throws(SessionError) { try Self.check(spec.configuration, terms) }

  /// A packet and what surrounds it must fit the datagram that clients read.
  private static func check(_ codec: OpusConfiguration, _ terms: GameStreamTerms) throws(SessionError) {
    let plain = codec.packetBytes
    let payload = terms.encryption == nil ? plain : GameStreamCipher.encryptedLength(of: plain)
    guard payload <= GameStreamFormat.payloadLimit else {
      throw SessionError(
        code: "packet_ms",
        message: "\(codec.bitrate) bit/s make \(payload) bytes in \(terms.duration.rawValue) ms; "
          + "\(GameStreamFormat.payloadLimit) fit a datagram")
    }
  }
}
