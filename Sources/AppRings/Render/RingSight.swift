import Synchronization

/// What render knows of a ring that it has an end of.
@frozen
public struct RingSight: Sendable {
  /// Frames that wait, as of the last period; none in a ring that is closed.
  public let fill: Int
  /// Times it ran dry, or full.
  public let xruns: Int
  public let lost: Int
  /// The application has gone. It stays so.
  public let isClosed: Bool

  /// Thread: render.
  @_noLocks
  init(_ counts: UnsafeMutablePointer<RingCounts>, _ gate: UnsafeMutablePointer<RingGate>) {
    isClosed = gate.pointee.isClosed.load(ordering: .relaxed)
    fill = isClosed ? 0 : counts.pointee.fill.load(ordering: .relaxed)
    xruns = counts.pointee.xruns.load(ordering: .relaxed)
    lost = counts.pointee.lost.load(ordering: .relaxed)
  }
}
