public import Wire

/// What is agreed with one client about its microphone: who it is, how it proves itself, and from where it may come.
public struct MicTerms: Sendable {
  public enum Kind: Sendable {
    /// Of GameStream's clients. Encrypted with the session's key, but not authentic.
    case gameStream(GameStream)
    /// Our own protocol.
    case sealed(key: MicKey, session: UInt32)
  }

  public struct GameStream: Sendable {
    /// Nil: this client does not encrypt.
    public var key: GameStreamKey?
    public var keyID: Int32
    /// Whether Opus in the clear is taken, too. Only for a client known by its hosts or its ping.
    public var allowsPlaintext: Bool
    /// What the client's pings carry, if it was told.
    public var ping: GameStreamPingPayload?

    public init(
      key: GameStreamKey?, keyID: Int32 = 0, allowsPlaintext: Bool = false, ping: GameStreamPingPayload? = nil
    ) {
      self.key = key
      self.keyID = keyID
      self.allowsPlaintext = allowsPlaintext
      self.ping = ping
    }
  }

  public var talker: TalkerID
  public var kind: Kind
  /// Nil: from anywhere.
  public var hosts: Set<MicHost>?

  public init(talker: TalkerID, kind: Kind, hosts: Set<MicHost>? = nil) {
    self.talker = talker
    self.kind = kind
    self.hosts = hosts
  }

  func admits(_ host: MicHost) -> Bool { hosts?.contains(host) ?? true }
}

/// Why a session cannot be opened.
public enum MicDoorError: String, Error, Hashable, Sendable {
  case tooManySessions = "mic_too_many_sessions"
  case talkerTaken = "mic_talker_taken"
  case sessionTaken = "mic_session_taken"
  /// Plaintext from anybody would be anybody's microphone.
  case plaintextFromAnybody = "mic_plaintext_from_anybody"
  /// Neither a key nor plaintext: nothing could ever be heard.
  case nothingAllowed = "mic_nothing_allowed"
  /// libcrypto refused for a reason of its own.
  case library = "mic_library"

  public var code: String { rawValue }
}
