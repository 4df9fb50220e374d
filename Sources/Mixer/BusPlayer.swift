public import AudioCore
import Synchronization

/// Plays what a bus carries: the render client of a playback stream whose sound another stream's cycle writes.
///
/// Both streams should run in one driver's cycles; then a block that is written in one cycle is played in the next. Where they do
/// not, the distance between the two is held within bounds by leaving out or repeating a little, across a short fade.
public final class BusPlayer: RenderClient, @unchecked Sendable {
  /// What was done to keep the distance, since the start.
  public struct Counts: Sendable, Equatable {
    /// Times the sound ran out though it was still being written.
    public var underruns = 0
    /// Times more had gathered than the bound allows.
    public var overruns = 0
    /// Cycles of the playback stream that never came.
    public var missedCycles = 0
    public var droppedFrames = 0
    public var insertedFrames = 0
    /// Frames waiting when the last block was asked for.
    public var waiting = 0

    public init() {}
  }

  private let handoff = Handoff<BusSource>()
  private let state: UnsafeMutablePointer<BusPlayerState>

  public override init() {
    state = .allocate(capacity: 1)
    state.initialize(to: BusPlayerState(source: handoff.renderFace))
  }

  /// The stream that calls this client must have stopped. Thread: control.
  deinit {
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// Plays this bus from now on; its reader must still be free. A stream in another layout plays nothing of it.
  /// Thread: control.
  public func play(_ bus: BusOutput) { handoff.publish(BusSource(reader: bus.makeReader())) }

  /// Frees what render gave back. Thread: control.
  public func reclaim() { handoff.reclaim() }

  /// Thread: any.
  public var counts: Counts {
    var counts = Counts()
    counts.underruns = state.pointee.underruns.load(ordering: .relaxed)
    counts.overruns = state.pointee.overruns.load(ordering: .relaxed)
    counts.missedCycles = state.pointee.missed.load(ordering: .relaxed)
    counts.droppedFrames = state.pointee.dropped.load(ordering: .relaxed)
    counts.insertedFrames = state.pointee.inserted.load(ordering: .relaxed)
    counts.waiting = state.pointee.waiting.load(ordering: .relaxed)
    return counts
  }

  /// Thread: render.
  @_noLocks
  public override func render(_ cycle: Cycle) { state.pointee.render(cycle) }
}

struct BusSource: ~Copyable {
  var reader: AudioRing.Reader
}
