import AppRings
import AudioCore

/// What nodes at a ring measure.
struct RingReadings {
  static let specs = [
    ReadingSpec("fill", "frames that wait in the ring", unit: .frames),
    ReadingSpec("xruns", "times the ring ran dry, or full"),
    ReadingSpec("lost", "frames of silence in place of what was late, or frames that did not fit", unit: .frames),
    ReadingSpec("closed", "1 once the application has gone: the node is silent from then on"),
  ]

  private let cells: UnsafeMutablePointer<ParameterCell>

  /// The readings' order is the specs'.
  init(_ context: NodeContext) { cells = context.readings.cells }

  /// Thread: render.
  @_noLocks
  func note(_ sight: RingSight) {
    cells[0].set(Float(sight.fill))
    cells[1].set(Float(sight.xruns))
    cells[2].set(Float(sight.lost))
    cells[3].set(sight.isClosed ? 1 : 0)
  }
}

extension SettingSpec {
  static let ring = SettingSpec(
    "ring", "the ring, by its identifier or by the name its application gave it", .text, initial: nil)
}

extension NodeBlock {
  /// When the block is heard, at the graph's rate. Thread: render.
  @_noLocks
  func time(hertz: Int) -> HostTime {
    HostTime(nanoseconds: driver.pointee.time.nanoseconds &+ Int64(driver.pointee.offset &* 1_000_000_000 / hertz))
  }
}
