import Synchronization

/// The end of a bridge in the domain that sound comes from.
public struct BridgeWriter: ~Copyable, @unchecked Sendable {
  private var ring: AudioRing.Writer
  private let core: BridgeCore
  private let counters: UnsafeMutablePointer<BridgeCounters>
  private var quanta = LargestQuantum()
  private var written = 0

  /// Nothing that is sound is louder.
  private static var limit: Float { @_noLocks get { 1e6 } }

  init(ring: consuming AudioRing.Writer, core: BridgeCore) {
    self.ring = ring
    self.core = core
    counters = core.counters
  }

  /// One cycle's sound, one plane a channel; `time` is when the cycle began. False when it did not fit and is lost. What is
  /// no number becomes silence: in a resampler it would not stay alone.
  /// Thread: render of the writing domain.
  @_noLocks
  public mutating func write(
    _ planes: UnsafePointer<UnsafeMutablePointer<Float>>, frames: Int, time: HostTime
  ) -> Bool {
    guard frames > 0 else { return true }
    quanta.note(frames, at: time)
    guard let span = ring.reserve(frames) else {
      counters.pointee.flooded.add(1, ordering: .relaxed)
      return false
    }
    var channel = 0
    while channel < ring.channels {
      let from = planes[channel]
      Self.copy(from, into: ring.pointer(channel: channel, offset: span.first), span.firstCount)
      Self.copy(from + span.firstCount, into: ring.pointer(channel: channel, offset: 0), span.secondCount)
      channel += 1
    }
    // The mark's quantum is the longest of the writer's lately: the reader does not see every mark.
    guard
      ring.commit(frames, time: time, position: Int64(written), quantum: quanta.frames, flags: .none)
    else {
      counters.pointee.flooded.add(1, ordering: .relaxed)
      return false
    }
    written &+= frames
    return true
  }

  @_noLocks
  private static func copy(_ from: UnsafePointer<Float>, into: UnsafeMutablePointer<Float>, _ frames: Int) {
    for frame in 0..<frames {
      let sample = from[frame]
      into[frame] = sample.magnitude < limit ? sample : 0
    }
  }
}
