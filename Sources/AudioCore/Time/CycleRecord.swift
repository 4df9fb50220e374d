/// What one render cycle did, for the control side: fixed size, written by the render thread into an event ring.
@frozen
public struct CycleRecord: BitwiseCopyable, Sendable {
  public enum Kind: UInt32, Sendable, BitwiseCopyable {
    /// The quantum is not what it was: `value` frames now.
    case quantumChanged
    /// The domain's position jumped by `value` frames: audio the server never delivered.
    case missed
    /// A lost block was made good from another copy, a cycle late: `value` frames.
    case repaired
    /// The call came more than a quarter period late: `value` nanoseconds.
    case lateWake
    /// A block did not fit its ring and was dropped: `value` frames.
    case flooded
    /// A block in a layout the running plan does not know: rendered as silence.
    case layoutMismatch
  }

  public var kind: Kind
  public var time: HostTime
  public var value: Int64

  @_noLocks @inlinable public init(kind: Kind, time: HostTime, value: Int64) {
    self.kind = kind
    self.time = time
    self.value = value
  }
}
