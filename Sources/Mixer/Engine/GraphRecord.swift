public import AudioCore

/// Something that went wrong in a cycle of a graph, for control: written by render into a ring of events.
public struct GraphRecord: BitwiseCopyable, Sendable {
  public enum Kind: UInt32, Sendable, BitwiseCopyable {
    /// The driver woke the graph more than a quarter of a period late: `value` nanoseconds.
    case lateWake
    /// The cycle took longer than its period: by `value` nanoseconds.
    case overrun
    /// The driver's position jumped: `value` frames were never asked for.
    case missed
    /// So much work is left out from now on: `value` is a `Relief`.
    case relief
    /// The driver's cycles have `value` frames now.
    case quantum
  }

  public let kind: Kind
  /// The number of the node that took the most time, 0 where that is not known.
  public let node: Int32
  public let time: HostTime
  public let value: Int64

  @_noLocks init(_ kind: Kind, node: Int32 = 0, time: HostTime, value: Int64) {
    self.kind = kind
    self.node = node
    self.time = time
    self.value = value
  }
}
