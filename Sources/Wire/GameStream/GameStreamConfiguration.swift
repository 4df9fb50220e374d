public enum GameStreamQuality: CaseIterable, Hashable, Sendable {
  case normal, high
}

/// Which channels of normal surround share an Opus stream. Clients follow either.
public enum GameStreamCoupling: CaseIterable, Hashable, Sendable {
  /// As the common hosts do it: neighbours, which couples FC with LFE.
  case layoutOrder
  /// Left with right: FC and LFE have streams of their own.
  case partners
}

/// The Opus streams GameStream knows: 2, 6 or 8 channels in two qualities. All are 48 kHz, low delay, constant bitrate, so
/// that every packet has one size.
public struct GameStreamConfiguration: Hashable, Sendable {
  public let quality: GameStreamQuality
  /// Channels, streams and mapping, for the encoder and the session description.
  public let surround: SurroundParams
  /// Bits per second of all streams together.
  public let bitrate: Int

  /// Nil unless `channels` is 2, 6 or 8. The coupling is of normal surround; high quality couples nothing.
  public init?(channels: Int, _ quality: GameStreamQuality, coupling: GameStreamCoupling = .layoutOrder) {
    self.quality = quality
    let shape: (streams: Int, bitrate: Int)
    switch (channels, quality) {
    case (2, .normal): shape = (1, 96_000)
    case (2, .high): shape = (1, 512_000)
    case (6, .normal): shape = (4, 256_000)
    case (6, .high): shape = (6, 1_536_000)
    case (8, .normal): shape = (5, 450_000)
    case (8, .high): shape = (8, 2_048_000)
    default: return nil
    }
    bitrate = shape.bitrate
    var mapping = (0..<channels).map { UInt8($0) }
    if quality == .normal, coupling == .partners {
      if channels == 6 { mapping = [0, 1, 4, 5, 2, 3] }
      if channels == 8 { mapping = [0, 1, 6, 7, 2, 3, 4, 5] }
    }
    surround = SurroundParams(known: channels, shape.streams, channels - shape.streams, mapping)
  }

  public var channels: Int { surround.channels }
  public var streams: Int { surround.streams }
  public var coupled: Int { surround.coupled }
  public var mapping: [UInt8] { surround.mapping }

  /// Durations whose packets fit a datagram: high surround has the short one only.
  public var durations: [GameStreamPacketDuration] {
    GameStreamPacketDuration.allCases.filter {
      parityDatagramBytes($0, encrypted: true) <= GameStreamFormat.datagramLimit
    }
  }

  /// Bytes of every Opus packet; the codec rounds down.
  public func opusBytes(_ duration: GameStreamPacketDuration) -> Int { bitrate * duration.rawValue / 8000 }

  /// Bytes of the payload as sent.
  public func payloadBytes(_ duration: GameStreamPacketDuration, encrypted: Bool) -> Int {
    let opus = opusBytes(duration)
    return encrypted ? GameStreamCipher.encryptedLength(of: opus) : opus
  }

  /// The longest datagram of the stream.
  public func parityDatagramBytes(_ duration: GameStreamPacketDuration, encrypted: Bool) -> Int {
    GameStreamFormat.parityHeaderLength + payloadBytes(duration, encrypted: encrypted)
  }

  /// All six, normal before high.
  public static func all(coupling: GameStreamCoupling = .layoutOrder) -> [Self] {
    [2, 6, 8].flatMap { channels in
      GameStreamQuality.allCases.compactMap { Self(channels: channels, $0, coupling: coupling) }
    }
  }
}
