public import AudioCore

/// What turns one talker's frames into sound, with or without a buffer against jitter. Each talker has its own, so that
/// nothing one sends can disturb another.
/// Thread: the pump's.
public protocol TalkerVoice: AnyObject {
  /// Interleaved channels of what `step` pushes: 1 or 2.
  var channels: Int { get }
  /// Frames that were no sound and were dropped.
  var garbage: UInt64 { get }
  /// `step` is called right after.
  func insert(_ frame: MicFrame, at arrival: HostTime)
  /// Pushes what is due by `now`, in pieces. Returns when more is due; nil when nothing is before another frame comes.
  func step(at now: HostTime, into push: (UnsafeBufferPointer<Float>) -> Void) -> HostTime?
}
