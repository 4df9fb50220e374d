import AudioCore

/// How a level moves for eyes: up at once, down 40 dB in 1.7 s, the highest of the last 20 s held. Pure: time is an argument.
struct PeakMeter: Hashable {
  /// What the bar shows.
  private(set) var level = Decibels.floor
  /// The highest lately.
  private(set) var hold = Decibels.floor
  private var heldAt: HostTime?
  private var movedAt: HostTime?
  /// When full scale was last reached.
  private var clippedAt: HostTime?

  /// Decibels a second.
  static let fall = 40 / 1.7
  static let holdTime = HostDuration.seconds(20)

  /// Where a level is a section of its own.
  enum Section: Int, Hashable {
    case low, high, top

    /// Of the level −20 dBFS and −9 dBFS are the borders.
    init(_ level: Double) { self = level < Self.highFrom ? .low : level < Self.topFrom ? .high : .top }

    static let highFrom = -20.0
    static let topFrom = -9.0
  }

  /// `peak` is the highest since the last call; nil when nothing was measured.
  mutating func advance(to peak: Decibels?, at now: HostTime) {
    let seconds = movedAt.map { Double(max((now - $0).nanoseconds, 0)) / 1e9 } ?? 0
    movedAt = now
    let fallen = Decibels(max(level.value - Self.fall * seconds, Decibels.floor.value))
    level = max(peak ?? .floor, fallen)
    if peak ?? .floor >= hold || isStale(heldAt, at: now) {
      hold = level
      heldAt = now
    }
    if let peak, peak.value >= 0 { clippedAt = now }
  }

  func isClipped(at now: HostTime) -> Bool { clippedAt != nil && !isStale(clippedAt, at: now) }

  private func isStale(_ time: HostTime?, at now: HostTime) -> Bool { time.map { now - $0 > Self.holdTime } ?? true }
}
