public import AudioCore

/// Keeps the position of outgoing media in step with real time, whatever the capture does. Pure: time is an argument.
///
/// The rule: a block's first frame belongs at the position its cycle time says, counted from the blocks before. A short
/// deviation is jitter and ignored; one that grows no faster than a bad clock drifts is never acted on. What the server
/// says it lost, what lasts and what silence has replaced is made good exactly: the position moves ahead, or the sound
/// that comes too late is dropped. While nothing arrives the clock is the host's, and silence is due at its pace.
public struct MediaTimeline: Sendable {
  public struct Tuning: Sendable, Hashable {
    /// How long after the next block was due silence takes over.
    public var grace: HostDuration
    /// Older audio than this is not worth sending: the reader was held up.
    public var maximumLag: HostDuration

    public init(grace: HostDuration = .milliseconds(20), maximumLag: HostDuration = .milliseconds(40)) {
      self.grace = grace
      self.maximumLag = maximumLag
    }
  }

  /// What to do about the frames around a block's start.
  public enum Adjustment: Equatable, Sendable {
    case none
    /// So many frames before the block are missing and their time has passed.
    case gap(FrameCount)
    /// So many frames of the block come too late: silence has been sent in their place.
    case drop(FrameCount)
  }

  public let frame: FrameCount
  /// What may be left out at once: positions only jump over whole blocks. One frame, or several that are protected together.
  public let block: FrameCount
  public let tuning: Tuning

  /// Media position of the next packet's first frame.
  public private(set) var next: Int64 = 0
  /// This position belongs at this time.
  private var anchorMedia: Int64 = 0
  private var anchorTime: HostTime
  private var blockDuration = HostDuration.zero
  private var expectedPosition: Int64?
  /// How far real time was ahead of the media when the last block began.
  private var offset = HostDuration.zero
  /// Since when that was more than jitter.
  private var offSince: HostTime?
  /// The next block follows nothing: it is placed by its time alone.
  private var isInterrupted = true
  private var silentAt: HostTime?

  /// Less than this is jitter, or drift that has not been absorbed yet.
  private static let tolerance = HostDuration.milliseconds(10)
  /// A deviation that lasts this long is no late wake-up.
  private static let confirmation = HostDuration.milliseconds(50)
  /// No sound card is this far off: 1000 ppm.
  private static let driftDivisor: Int64 = 1000

  public init(frame: FrameCount, block: FrameCount? = nil, start: HostTime, tuning: Tuning = Tuning()) {
    self.frame = frame
    self.block = block ?? frame
    precondition(self.block.value > 0 && self.block.value % frame.value == 0)
    self.tuning = tuning
    anchorTime = start
  }

  /// The next packet is the first of a block.
  public var isAtBlock: Bool { next % Int64(block.value) == 0 }

  public var isSilent: Bool { silentAt != nil }

  /// When silence is due if nothing comes.
  public var silenceDue: HostTime { silentAt ?? (anchorTime + offset + blockDuration + tuning.grace) }

  /// What was captured so far is forgotten: the next block is placed by its time.
  public mutating func interrupt() { isInterrupted = true }

  /// A block begins. `assembled` frames of the current packet precede it, less those that are still to be dropped.
  public mutating func begin(_ mark: CycleMark, assembled: FrameCount) -> Adjustment {
    let actual = next + Int64(assembled.value)
    let isFirst = expectedPosition == nil && next == 0
    let off = isFirst ? .zero : mark.time - time(of: actual)
    let missing = missingFrames(before: mark, off: off)
    expectedPosition = mark.position + Int64(mark.frames)
    blockDuration = FrameCount(mark.frames).duration(at: .codec)
    isInterrupted = false
    silentAt = nil
    anchorMedia = actual + Int64(missing)
    let left = off - FrameCount(missing).duration(at: .codec)
    let leak = blockDuration / Self.driftDivisor
    offset = left > leak ? left - leak : left < .zero - leak ? left + leak : .zero
    anchorTime = mark.time - offset
    if abs(offset) < Self.tolerance { offSince = nil } else if offSince == nil { offSince = mark.time }
    return missing > 0 ? .gap(FrameCount(missing)) : missing < 0 ? .drop(FrameCount(-missing)) : .none
  }

  /// When a media position is due by what the last block said.
  private func time(of media: Int64) -> HostTime {
    let distance = Int(media - anchorMedia)
    return anchorTime + FrameCount(distance).duration(at: .codec)
  }

  /// Frames by which the block must be moved: positive when some are missing before it, negative when it comes too late.
  private func missingFrames(before mark: CycleMark, off: HostDuration) -> Int {
    let half = HostDuration(nanoseconds: off < .zero ? -10_416 : 10_416)
    let all = SampleRate.codec.frames(in: off + half).value
    if isInterrupted || silentAt != nil { return all }
    let step = off - offset
    if let expected = expectedPosition, mark.flags.contains(.discontinuity) || mark.position != expected {
      // The position knows exactly what the time knows roughly; it may also have another origin now.
      let lost = mark.position &- expected
      let limit = Int64(SampleRate.codec.frames(in: Self.tolerance).value)
      if lost > 0, lost > Int64(all) - limit, lost < Int64(all) + limit { return Int(lost) }
      return abs(off) >= Self.tolerance ? all : 0
    }
    guard abs(off) >= Self.tolerance else { return 0 }
    let isConfirmed = abs(step) < Self.tolerance / 2 && offSince.map { mark.time - $0 >= Self.confirmation } == true
    let isBeyondJitter = abs(step) > tuning.grace + Self.tolerance
    return isConfirmed || isBeyondJitter ? all : 0
  }

  private func abs(_ duration: HostDuration) -> HostDuration { duration < .zero ? .zero - duration : duration }

  /// The position moves past frames that are never sent.
  public mutating func skip(_ frames: FrameCount) { next += Int64(frames.value) }

  /// A packet of captured sound left.
  public mutating func advance() { next += Int64(frame.value) }

  /// Frames that a packet of silence at `now` would have to skip to be on time.
  public func silenceSkip(at now: HostTime) -> FrameCount {
    let late = now - silenceDue
    guard late > tuning.maximumLag, isAtBlock else { return 0 }
    return FrameCount(SampleRate.codec.frames(in: late).value / block.value * block.value)
  }

  /// A packet of silence leaves at `now`; `assembled` frames of sound are at its start. Returns what was skipped first to
  /// be on time, and the time of its first frame.
  public mutating func advanceSilence(at now: HostTime, assembled: FrameCount) -> (skipped: FrameCount, time: HostTime)
  {
    let skipped = silenceSkip(at: now)
    let due = silenceDue + (skipped - assembled).duration(at: .codec)
    next += Int64(skipped.value)
    silentAt = due + frame.duration(at: .codec)
    return (skipped, due - tuning.grace)
  }
}
