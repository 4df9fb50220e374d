public import AudioCore
public import AudioIO

/// What happened in the pump and is worth telling: already throttled, so that each may become a line in a log.
public enum MicEvent: Hashable, Sendable {
  /// The device exists for the first time.
  case opened(MicDeviceID)
  /// The device is back after being gone for this long.
  case reopened(MicDeviceID, after: HostDuration)
  case died(MicDeviceID, cause: Death, lived: HostDuration)
  /// It cannot be opened; tried so often since it last worked. Told of the 1st, 2nd, 4th, 8th … attempt.
  case unavailable(MicDeviceID, BackendError, attempts: UInt64)
  /// Frames of this talker that were no sound so far. Told when the count passes a power of two.
  case garbage(TalkerID, count: UInt64)

  /// How a death was noticed.
  public enum Death: String, Hashable, Sendable {
    case push, heartbeat
  }
}
