/// What a backend knows about one call of the render thread.
@frozen
public struct Cycle {
  /// Frames of this block.
  public let frames: Int
  /// When the sink plays the block: the cycle that carries it, or for a capture beside a sink the one after it.
  public let time: HostTime
  /// Position of the block's first frame on the domain's clock. Advances by the block length unless frames were lost.
  public let position: Int64
  /// The graph's quantum in frames of the stream's own rate: how long until the next call.
  public let quantum: Int
  public let layout: ChannelLayout
  public let flags: CycleFlags
  /// Captured audio; silence of the right length for a playback stream.
  public let input: Block
  /// To be filled by the client; already silent when the call begins. No channels for a capture stream.
  public let output: Block

  @_noLocks @inlinable
  public init(
    frames: Int, time: HostTime, position: Int64, quantum: Int, layout: ChannelLayout, flags: CycleFlags, input: Block,
    output: Block
  ) {
    self.frames = frames
    self.time = time
    self.position = position
    self.quantum = quantum
    self.layout = layout
    self.flags = flags
    self.input = input
    self.output = output
  }
}

/// Facts about a block that its samples do not tell.
@frozen
public struct CycleFlags: OptionSet, Sendable {
  public let rawValue: UInt32
  @_noLocks @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Spelled out, because an empty literal goes through generic code that the render checker refuses.
  @inlinable public static var none: Self { @_noLocks get { Self(rawValue: 0) } }
  /// The block does not follow the previous one: frames were lost, the clock or the format changed.
  @inlinable public static var discontinuity: Self { @_noLocks get { Self(rawValue: 1) } }
  /// Nothing is connected: the samples are silence by definition.
  @inlinable public static var disconnected: Self { @_noLocks get { Self(rawValue: 2) } }
  /// The server never ran us for this block: it comes a cycle late, just before the next, from another copy of the same
  /// sound.
  @inlinable public static var repaired: Self { @_noLocks get { Self(rawValue: 4) } }
}

/// The real-time face of whoever a backend serves. Subclasses are final and override `render`.
///
/// The backend calls it from its render thread through `renderDispatch`; it allocates nothing, takes no lock and makes no
/// system call but the wake of a waiting worker.
open class RenderClient: @unchecked Sendable {
  public init() {}

  /// Thread: render.
  open func render(_ cycle: Cycle) {}
}
