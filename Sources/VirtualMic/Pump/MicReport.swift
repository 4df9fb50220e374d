public import AudioCore

/// Facts about the pump for status displays, as of its last step.
public struct MicReport: Hashable, Sendable {
  public struct Device: Hashable, Sendable {
    public var id: MicDeviceID
    public var condition: MicCondition
    public var isOpen: Bool
    /// Opens that worked, and deaths.
    public var opens: UInt64 = 0
    public var deaths: UInt64 = 0
    /// Attempts that failed since the device last proved good.
    public var attempts: UInt64 = 0
    /// Pieces of sound dropped because no lane was free.
    public var crowded: UInt64 = 0

    public func state(at now: HostTime) -> MicState { condition.state(at: now) }
  }

  /// What became of a talker's frames since it was admitted.
  public struct Talker: Hashable, Sendable {
    /// Given to its voice.
    public var frames: UInt64 = 0
    /// Dropped before decoding because of mute.
    public var muted: UInt64 = 0
    /// Dropped because no device it goes to was open when they came.
    public var undelivered: UInt64 = 0
    /// Dropped because as many others were talking as the pump has voices for.
    public var crowded: UInt64 = 0
    /// No sound.
    public var garbage: UInt64 = 0
    public var lastFrame: HostTime?

    public init() {}
  }

  public internal(set) var devices: [Device] = []
  public internal(set) var talkers: [TalkerID: Talker] = [:]
  /// Talkers that hold a decoder now.
  public internal(set) var voices = 0
  /// Frames of talkers that were not admitted.
  public internal(set) var strangers: UInt64 = 0
  /// Frames the queue had no room for.
  public internal(set) var dropped: UInt64 = 0
}
