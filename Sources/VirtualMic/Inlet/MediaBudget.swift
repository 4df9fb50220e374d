import AudioCore

/// How much sound a talker may send: a quarter more than time passes, and a second in advance, for what a stalled network
/// delivers at once. Counted in media time, so that it suits every packet length.
///
/// Pure: time is an argument.
struct MediaBudget: Hashable, Sendable {
  static let burst: FrameCount = 48_000
  /// What costs nothing to play still costs work: as much as the shortest packet.
  static let least: FrameCount = 120

  private var left = burst
  private var filledAt: HostTime?

  mutating func take(_ frames: FrameCount, at now: HostTime) -> Bool {
    if let filledAt {
      // A second fills it, so longer needs no arithmetic. A clock that goes back fills nothing.
      let elapsed = min(max(now - filledAt, .zero), .seconds(1))
      let earned = SampleRate(hertz: 60_000).frames(in: elapsed)
      if earned > 0 {
        left = min(left + earned, Self.burst)
        self.filledAt = now
      }
    } else {
      filledAt = now
    }
    let cost = max(frames, Self.least)
    guard left >= cost else { return false }
    left -= cost
    return true
  }
}

/// How many datagrams of unknown origin may be tried with every key: work that anybody can cause.
struct TrialBudget: Hashable, Sendable {
  static let perSecond = 2000
  static let burst = 400

  private var left = burst
  private var filledAt: HostTime?

  mutating func take(at now: HostTime) -> Bool {
    if let filledAt {
      let elapsed = min(max(now - filledAt, .zero), .seconds(1))
      let earned = Int(elapsed.nanoseconds * Int64(Self.perSecond) / 1_000_000_000)
      if earned > 0 {
        left = min(left + earned, Self.burst)
        self.filledAt = now
      }
    } else {
      filledAt = now
    }
    guard left > 0 else { return false }
    left -= 1
    return true
  }
}
