public import AudioCore
import Synchronization

/// The worker's side of one voice in a virtual microphone: brings its sound from the sender's clock to the graph's and
/// puts it into a ring that the feed reads.
///
/// The ring holds, when sound is pushed, one quantum of the graph and a margin: what a cycle may take at any moment, and
/// how late the worker may be. While nobody records, sound is dropped before any work is done on it.
/// Thread: one worker.
public final class SourceLane: VirtualMicrophone, @unchecked Sendable {
  public let channels: Int
  let core: LaneCore
  private weak var feed: SourceFeed?
  private let now: @Sendable () -> HostTime
  private var ring: AudioRing.Writer
  private var resampler: SincResampler
  private var controller = FillController()
  private let scratch: UnsafeMutablePointer<Float>
  private var written = 0
  private var target = 0
  private var lastFill = 0.0
  private var quantum = 0
  private var isUnread = true
  /// The resampler holds nothing back yet.
  private var isFresh = true
  private var overruns = 0
  private var unheard = 0
  /// After a cut readings say nothing until the reader has made it.
  private var settledAt = HostTime(nanoseconds: .min)
  private var margin = SourceLane.leastMargin
  private var seenUnderruns = 0
  /// Since when each reading has shown too much for jitter, and the least of them.
  private var excess: (since: HostTime, least: Int)?
  private var calmSince: HostTime?

  /// What the worker's turns may be late, 2 ms at first and more when that was not enough, and the resampler's half a
  /// millisecond.
  private static let leastMargin = 120
  private static let mostMargin = 960
  private static let marginStep = 96
  /// Jitter does not last so long.
  private static let patience = HostDuration.milliseconds(30)
  /// So long without an underrun, and the margin is made smaller again.
  private static let calm = HostDuration.seconds(30)
  /// So long without a cycle, and nobody records.
  private static let absence = HostDuration.milliseconds(250)
  private static let chunk = 960
  private static let capacity = FrameCount(32_768)

  init(feed: SourceFeed, channels: Int, now: @escaping @Sendable () -> HostTime) {
    self.feed = feed
    self.channels = channels
    self.now = now
    ring = AudioRing.Writer(channels: channels, minimumCapacity: Self.capacity)
    core = LaneCore(reader: ring.makeReader())
    resampler = SincResampler(
      quality: .voice, from: .codec, to: .codec, channels: channels, chunk: FrameCount(Self.chunk))
    scratch = .allocate(capacity: 2 * Self.chunk * channels)
    scratch.initialize(repeating: 0, count: 2 * Self.chunk * channels)
  }

  deinit { scratch.deallocate() }

  public var isAlive: Bool { feed?.isAlive ?? false }

  public func push(_ samples: UnsafeBufferPointer<Float>) -> Bool { push(samples, at: now()) }

  /// The same for sound that is due at `time`. False only when the device is dead.
  public func push(_ samples: UnsafeBufferPointer<Float>, at time: HostTime) -> Bool {
    guard isAlive else { return false }
    guard let base = samples.baseAddress else { return true }
    let frames = samples.count / channels
    guard let reading = core.state.pointee.clock.read(), isRead(reading, at: time) else {
      if !isUnread { discard() }
      isUnread = true
      unheard += frames
      return true
    }
    isUnread = false
    steer(reading, frames: frames, at: time)
    var done = 0
    while done < frames {
      let count = min(frames - done, Self.chunk)
      let due = time + FrameCount(done).duration(at: .codec)
      convert(base + done * channels, count, due)
      done += count
    }
    return true
  }

  public func discard() {
    core.state.pointee.discarded.store(written, ordering: .releasing)
    resampler.reset()
    isFresh = true
    controller.rest()
  }

  /// Thread: the worker.
  public var report: LaneReport {
    LaneReport(
      ppm: controller.ppm, fill: FrameCount(Int(lastFill)), target: FrameCount(target), underruns: core.underruns,
      primes: core.state.pointee.primes.load(ordering: .relaxed), overruns: overruns,
      unheard: FrameCount(unheard), isRead: !isUnread)
  }

  private func isRead(_ reading: ReadClock.Reading, at time: HostTime) -> Bool {
    let four = FrameCount(4 * reading.fill.quantum).duration(at: .codec)
    return time - reading.fill.readTime < max(Self.absence, four)
  }

  /// Compares the ring with its target and corrects the ratio.
  private func steer(_ reading: ReadClock.Reading, frames: Int, at time: HostTime) {
    widen(at: time)
    target = reading.fill.quantum + margin
    // What is still in the resampler is on its way too.
    let ahead = written + resampler.latency.value
    lastFill = max(reading.fill.frames(written: ahead, at: time, rate: .codec), 0)
    guard reading.isPlaying, time >= settledAt else {
      excess = nil
      return controller.rest()
    }
    let isNewQuantum = reading.fill.quantum != quantum
    quantum = reading.fill.quantum
    if isNewQuantum { controller.rest() }
    let surplus = Int(lastFill) - target
    if isNewQuantum, abs(surplus) > Self.leastMargin { return cut(surplus, at: time) }
    if let excess = steadyExcess(surplus, at: time) { return cut(excess, at: time) }
    switch controller.update(fill: lastFill, target: Double(target), at: time) {
    case .steer(let ppm): resampler.correct(ppm: ppm, over: frames)
    case .resync(let surplus): cut(surplus, at: time)
    }
  }

  /// More sound than there should be, and not by jitter: a cycle in which the server did not run us, or a driver that made
  /// up for a stall with cycles at times that had passed. To steer that away would take ten seconds at a pitch that is off.
  private func steadyExcess(_ surplus: Int, at time: HostTime) -> Int? {
    guard surplus > Self.leastMargin else {
      excess = nil
      return nil
    }
    let first = excess?.since ?? time
    let least = min(excess?.least ?? surplus, surplus)
    excess = (first, least)
    return time - first >= Self.patience ? least : nil
  }

  private func cut(_ frames: Int, at time: HostTime) {
    core.state.pointee.skip.store(frames, ordering: .relaxed)
    excess = nil
    settledAt = time + FrameCount(2 * quantum + 480).duration(at: .codec)
  }

  private func widen(at time: HostTime) {
    let underruns = core.underruns
    if underruns > seenUnderruns {
      margin = min(margin + Self.marginStep, Self.mostMargin)
      calmSince = time
    } else if let since = calmSince, time - since > Self.calm {
      margin = max(margin - Self.marginStep, Self.leastMargin)
      calmSince = margin > Self.leastMargin ? time : nil
    }
    seenUnderruns = underruns
  }

  private func convert(_ samples: UnsafePointer<Float>, _ frames: Int, _ due: HostTime) {
    _ = resampler.feed(samples, frames: frames, stride: channels, channelStride: 1)
    let limit = 2 * Self.chunk
    let made = resampler.produce(into: scratch, limit: limit, stride: 1, channelStride: limit)
    guard made > 0 else { return }
    guard let span = ring.reserve(made) else {
      overruns += 1
      return
    }
    for channel in 0..<channels {
      let from = scratch + channel * limit
      renderCopy(ring.pointer(channel: channel, offset: span.first), from: from, floats: span.firstCount)
      guard span.secondCount > 0 else { continue }
      renderCopy(ring.pointer(channel: channel, offset: 0), from: from + span.firstCount, floats: span.secondCount)
    }
    // What comes out first was held back from the push before.
    let first = isFresh ? due : due - resampler.latency.duration(at: .codec)
    isFresh = false
    guard ring.commit(made, time: first, position: Int64(written), quantum: margin, flags: .none) else {
      overruns += 1
      return
    }
    written += made
  }
}

/// Facts about a lane for status displays.
public struct LaneReport: Hashable, Sendable {
  /// What the resampler corrects.
  public var ppm: Double
  /// Sound between worker and listener, when it was last looked at, and what it should be.
  public var fill: FrameCount
  public var target: FrameCount
  public var underruns: Int
  /// Times that sound began.
  public var primes: Int
  /// Pushes that did not fit.
  public var overruns: Int
  /// Frames dropped while nobody recorded.
  public var unheard: FrameCount
  public var isRead: Bool
}

extension PlayoutReport {
  /// Adds what the device says of this talker's lane.
  public mutating func add(_ lane: LaneReport) {
    ppm = lane.ppm
    underruns = UInt64(lane.underruns)
  }
}

/// Owns what render keeps of a lane, beyond the life of either side.
final class LaneCore: @unchecked Sendable {
  let state: UnsafeMutablePointer<LaneState>
  private let closed = Atomic<Bool>(false)

  init(reader: consuming AudioRing.Reader) {
    state = .allocate(capacity: 1)
    state.initialize(to: LaneState(reader: reader))
  }

  deinit {
    state.deinitialize(count: 1)
    state.deallocate()
  }

  var isClosed: Bool { closed.load(ordering: .relaxed) }
  func close() { closed.store(true, ordering: .relaxed) }
  var isQuiet: Bool { state.pointee.isQuiet.load(ordering: .relaxed) }
  var underruns: Int { state.pointee.underruns.load(ordering: .relaxed) }
}
