import AudioCore

/// The sender's clock as seen from here, and how much later than it says packets come.
///
/// The quickest packets of the last seconds show the clock; a slow loop follows them, so that what paces the playout
/// moves by parts per million and never in steps.
/// Transits are arrival less media time, in nanoseconds of an arbitrary zero.
struct SenderClock: Sendable {
  /// What an observation did to the clock.
  enum Change: Hashable {
    case followed
    /// It jumped by so many nanoseconds: what was due stays due only if the delay takes the opposite jump.
    case jumped(Double)
  }

  /// The transit that counts as no delay at all.
  private(set) var offset: Double?
  /// How fast that grows: the sender's clock is slow by so much.
  private(set) var slope = 0.0
  private(set) var packet = FrameCount(960)
  private var histogram = DelayHistogram()
  private var least = [Double](repeating: .infinity, count: SenderClock.seconds)
  private var leastSecond = Int64.min
  private var last: HostTime?
  /// Delays far above the rest, and when: a network that stalls again and again.
  private var bursts: [(at: HostTime, delay: Double)] = []
  private(set) var target = 0.0
  /// Packets are lost and the next ones carry copies: worth waiting for those too.
  var wantsCopies = false

  private static let seconds = 16
  /// Radians per second.
  private static let bandwidth = 0.1
  private static let jump = 3e6
  private static let burstMemory = HostDuration.seconds(20)
  private static let lateShare: Float = 0.0075
  /// Of the copies so many may come too late.
  private static let copyShare: Float = 0.1
  /// Beyond a packet, for the turn of whoever steps.
  private static let slack = 2e6
  static let longestDelay = 500e6

  init() { target = floor }

  /// One packet: only then has the next one come, which may carry a copy of a lost one.
  private var floor: Double { Double(packet.duration(at: .codec).nanoseconds) + Self.slack }

  var driftPPM: Double { -slope * 1e6 }

  /// Whether something has been seen so lately that the clock can be trusted, and a packet with this transit fits it.
  func knows(_ transit: Double, at now: HostTime) -> Bool {
    guard let offset, let last, now - last < .seconds(Int64(Self.seconds)) else { return false }
    return transit - offset > -20e6 && transit - offset < 200e6
  }

  mutating func use(packet frames: FrameCount) {
    packet = frames
    target = max(target, floor)
  }

  /// Begins anew; what is known of the network stays.
  mutating func forget() {
    offset = nil
    last = nil
    for index in least.indices { least[index] = .infinity }
    leastSecond = .min
  }

  /// Takes the transit of a packet. `counts` is false for one that says nothing about jitter.
  mutating func observe(_ transit: Double, at now: HostTime, counts: Bool) -> Change {
    note(transit, at: now)
    let base = least.min() ?? transit
    let passed = last.map { min(max(Double((now - $0).nanoseconds) * 1e-9, 0), 1) } ?? 0
    last = max(last ?? now, now)
    let change = follow(base, passed)
    if counts, let offset { learn(max(transit - offset, 0), at: now) }
    return change
  }

  private mutating func follow(_ base: Double, _ passed: Double) -> Change {
    guard var offset else {
      self.offset = base
      return .jumped(0)
    }
    offset += slope * passed * 1e9
    let error = base - offset
    if abs(error) > Self.jump {
      self.offset = base
      return .jumped(base - offset)
    }
    offset += 2 * Self.bandwidth * error * passed
    slope += Self.bandwidth * Self.bandwidth * error * 1e-9 * passed
    slope = min(max(slope, -0.001), 0.001)
    self.offset = offset
    return .followed
  }

  /// Keeps the least transit of each second.
  private mutating func note(_ transit: Double, at now: HostTime) {
    let second = now.nanoseconds / 1_000_000_000
    if second > leastSecond {
      let first = max(leastSecond == .min ? second : leastSecond + 1, second - Int64(Self.seconds) + 1)
      for between in first...second { least[Int(between % Int64(Self.seconds))] = .infinity }
      leastSecond = second
    }
    let index = Int(second % Int64(Self.seconds))
    least[index] = min(least[index], transit)
  }

  private mutating func learn(_ delay: Double, at now: HostTime) {
    histogram.record(delay)
    let usual = max(histogram.delay(exceededBy: Self.lateShare), floor)
    if delay > max(2 * usual, usual + 60e6) { bursts.append((now, delay)) }
    bursts.removeAll { now - $0.at > Self.burstMemory }
    if bursts.count > 8 { bursts.removeFirst() }
    // Once is an accident, twice is the network.
    let high = bursts.count > 1 ? bursts.map(\.delay).max() ?? 0 : 0
    let copies = wantsCopies ? floor + histogram.delay(exceededBy: Self.copyShare) : 0
    target = min(max(usual, high, copies), Self.longestDelay)
  }

}
