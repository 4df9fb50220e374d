/// Who talks: one microphone of one client. Given out by whoever opens a microphone, never reused within a run.
public struct TalkerID: Hashable, Sendable, CustomStringConvertible {
  public let number: UInt32

  public init(_ number: UInt32) { self.number = number }

  public var description: String { "\(number)" }
}

/// A piece of a talker's sound as an inlet hands it on: checked and decrypted, not yet decoded.
public struct MicFrame: Hashable, Sendable {
  public enum Body: Hashable, Sendable {
    case opus([UInt8])
    /// Interleaved samples at 48 kHz.
    case pcm([Float], channels: Int)
    /// Nothing to say for now (discontinuous transmission): silence, not loss.
    case pause
  }

  /// Counts packets, and wraps.
  public var sequence: UInt16
  /// Media time of the first frame at 48 kHz, and wraps.
  public var timestamp: UInt32
  public var body: Body

  public init(sequence: UInt16, timestamp: UInt32, body: Body) {
    self.sequence = sequence
    self.timestamp = timestamp
    self.body = body
  }
}
