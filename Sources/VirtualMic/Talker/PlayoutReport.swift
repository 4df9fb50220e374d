public import AudioCore

/// What a talker's playout is doing, for status displays.
public struct PlayoutReport: Hashable, Sendable {
  public enum State: String, Hashable, Sendable, CaseIterable {
    /// Nothing comes.
    case idle
    case playing
    /// Packets are missing and their sound is made up.
    case concealing
    /// The sender says that there is nothing to hear.
    case paused
  }

  public init() {}

  public var state = State.idle
  /// Root mean square of the last tenths of a second.
  public var level = Decibels.floor
  /// Sound that has come and is not yet played.
  public var buffered = HostDuration.zero
  /// Delay after the quickest packets, as it is and as it should be.
  public var delay = HostDuration.zero
  public var target = HostDuration.zero
  /// How fast the sender's clock runs against ours, and what the device's resampler corrects.
  public var senderPPM = 0.0
  public var ppm = 0.0

  public var received: UInt64 = 0
  /// Never came, by their numbers.
  public var lost: UInt64 = 0
  /// Came after their time.
  public var late: UInt64 = 0
  public var duplicates: UInt64 = 0
  public var restarts: UInt64 = 0
  /// No sound, and dropped.
  public var garbage: UInt64 = 0
  /// Thrown away unheard: a flood, or sound from before a pause.
  public var skipped: UInt64 = 0
  public var playedFrames: UInt64 = 0
  public var concealedFrames: UInt64 = 0
  /// Lost, and heard from a copy in the packet after.
  public var recoveredFrames: UInt64 = 0
  /// Frames left out or put in to change the delay.
  public var removedFrames: UInt64 = 0
  public var addedFrames: UInt64 = 0
  /// Of the device: it ran out of sound in the middle of it.
  public var underruns: UInt64 = 0
}
