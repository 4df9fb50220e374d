public import AudioCore
import OpusCodec

/// One talker's packets in, its sound out, at the pace of the sender's clock and late enough for nearly every packet.
///
/// Each packet is due at its media time on the sender's clock plus a delay. The delay follows how late packets come; it
/// changes only by leaving out or repeating periods of the sound, or while nothing is heard, so what comes out never has
/// a hole. Lost packets are recovered from copies, then made up, then silent. A talker who is silent costs nothing:
/// `step` returns nil and nothing is pushed.
///
/// Reads no clock. Memory is bounded.
/// Thread: any one at a time.
public final class TalkerPlayout: @unchecked Sendable {
  /// Interleaved channels of what is pushed: 1 or 2.
  public let channels: Int
  var counts = PlayoutReport()
  var clock = SenderClock()
  var order = PacketOrder()
  let sound: TalkerSound

  /// Media time of what is due next; nil while nothing is.
  var head: Int64?
  /// In nanoseconds, after the sender's clock.
  var delay = 0.0
  var lastSequence: Int64?
  /// Whether anything was heard since the stream began, or began again.
  var hasSounded = false
  /// Where in media time packets began to be missing with none behind them.
  var starvedFrom: Int64?
  /// The old sound must end before another begins.
  var mustFade = false
  var isPaused = false
  /// Frames pushed since the delay was last changed while somebody spoke.
  var sinceScaling = 0
  /// Power of the loudest lately, and of the last tenths of a second.
  var peakPower: Float = 0
  var power: Float = 0
  /// Packets lost lately that the next ones had copies of.
  private var copiesWanted = 0.0
  private var lastArrival: HostTime?
  private var lateSince: HostTime?

  /// After this long without a packet nothing that waited is heard any more.
  public static let staleGap = HostDuration.milliseconds(600)
  /// So much later than planned a packet may be and still be heard, when nothing else is.
  static let patience = 120e6
  /// Packets that keep coming too late for so long show that the way got longer.
  private static let lateLimit = HostDuration.milliseconds(250)

  public init(channels: Int = 1) {
    precondition((1...2).contains(channels))
    self.channels = channels
    sound = TalkerSound(channels: channels)
  }

  /// Frames that were no sound and were dropped.
  public var garbage: UInt64 { counts.garbage }

  /// Takes a packet that arrived at `now`. `step` is to be called right after.
  public func insert(_ frame: MicFrame, at now: HostTime) {
    guard let frames = TalkerSound.frames(of: frame.body) else {
      counts.garbage += 1
      return
    }
    counts.received += 1
    if let lastArrival, now - lastArrival > Self.staleGap { forgetWaiting() }
    lastArrival = max(lastArrival ?? now, now)
    switch order.admit(frame, frames: Int64(frames), packet: Int64(clock.packet.value), at: now) {
    case .duplicate: counts.duplicates += 1
    case .nonsense: counts.garbage += 1
    case .next(let entry): take(entry, at: now)
    case .restart(let entry):
      counts.restarts += 1
      begin()
      mustFade = true
      clock.forget()
      take(entry, at: now)
    }
    noteLoss(frame.body)
  }

  private func noteLoss(_ body: MicFrame.Body) {
    let more = Double(order.lost) - Double(counts.lost)
    counts.lost = order.lost
    copiesWanted *= 0.999
    // A packet that was only late takes its loss back.
    if more != 0, case .opus(let packet) = body,
      packet.withUnsafeBufferPointer({ OpusPacket.hasCopyOfPrevious($0) }) == true
    {
      copiesWanted = max(copiesWanted + min(more, 1), 0)
    }
    clock.wantsCopies = copiesWanted > 2
  }

  public var report: PlayoutReport {
    var report = counts
    report.state = state
    report.level = Decibels(amplitude: Double(head == nil ? 0 : power).squareRoot())
    if let head, let end = order.entries.last.map({ $0.timestamp + $0.frames }) {
      report.buffered = HostDuration(nanoseconds: Int64(max(Self.nanoseconds(end - head), 0)))
    }
    report.delay = HostDuration(nanoseconds: Int64(hasSounded ? delay : clock.target))
    report.target = HostDuration(nanoseconds: Int64(clock.target))
    report.senderPPM = clock.driftPPM
    return report
  }

  private var state: PlayoutReport.State {
    if head == nil { return isPaused ? .paused : .idle }
    return sound.madeUp > 0 ? .concealing : .playing
  }

  static func nanoseconds(_ frames: Int64) -> Double { Double(frames) * 1e9 / 48_000 }
  static func frames(_ nanoseconds: Double) -> Int { Int(nanoseconds * 48e-6) }

  // MARK: What becomes of a packet

  /// Another stream: nothing of the one before may hold it up.
  private func begin() {
    counts.skipped += UInt64(order.entries.count - order.entries.count(where: { $0.frames == 0 }))
    order.removeAll()
    mustFade = mustFade || !sound.isSilent
    (head, lastSequence, hasSounded, starvedFrom, lateSince) = (nil, nil, false, nil, nil)
  }

  private func forgetWaiting() {
    begin()
    order.forget()
  }

  private func take(_ entry: PacketOrder.Entry, at now: HostTime) {
    guard entry.frames > 0 else { return takePause(entry) }
    let transit = Double(now.nanoseconds) - Self.nanoseconds(entry.timestamp)
    if !hasSounded, head == nil, !clock.knows(transit, at: now) { clock.forget() }
    clock.use(packet: FrameCount(Int(entry.frames)))
    if case .jumped(let by) = clock.observe(transit, at: now, counts: true), hasSounded { delay -= by }
    if isTooLate(entry, at: now) {
      guard let lateSince, now - lateSince >= Self.lateLimit else {
        lateSince = lateSince ?? now
        counts.late += 1
        return
      }
      rebase(entry, transit, at: now)
    }
    lateSince = nil
    isPaused = false
    counts.skipped += UInt64(order.hold(entry))
    place(entry, at: now)
  }

  private func takePause(_ entry: PacketOrder.Entry) {
    guard let head else {
      lastSequence = max(lastSequence ?? entry.sequence, entry.sequence)
      isPaused = true
      return
    }
    guard entry.sequence > lastSequence ?? .min else { return }
    var entry = entry
    entry.timestamp = max(entry.timestamp, head)
    counts.skipped += UInt64(order.hold(entry))
  }

  private func isTooLate(_ entry: PacketOrder.Entry, at now: HostTime) -> Bool {
    if let lastSequence, entry.sequence <= lastSequence { return true }
    guard hasSounded else { return false }
    if let head {
      // What is missing at the end of everything may still be heard, and the delay gets longer.
      return entry.timestamp < head && entry.timestamp < starvedFrom ?? .max
    }
    return lateness(entry, at: now) > Self.patience
  }

  /// How long after its time with the planned delay a packet comes.
  private func lateness(_ entry: PacketOrder.Entry, at now: HostTime) -> Double {
    Double(now.nanoseconds) - Self.nanoseconds(entry.timestamp) - (clock.offset ?? 0) - clock.target
  }

  private func rebase(_ entry: PacketOrder.Entry, _ transit: Double, at now: HostTime) {
    counts.restarts += 1
    begin()
    clock.forget()
    _ = clock.observe(transit, at: now, counts: false)
  }

  /// Moves the head to where an accepted packet wants it.
  private func place(_ entry: PacketOrder.Entry, at now: HostTime) {
    guard let head else {
      self.head = entry.timestamp
      delay = clock.target + max(lateness(entry, at: now), 0)
      return
    }
    guard entry.timestamp < head else { return }
    // The place of the head in time stays; what is there moves.
    if hasSounded { delay += Self.nanoseconds(head - entry.timestamp) }
    self.head = entry.timestamp
    starvedFrom = nil
  }
}
