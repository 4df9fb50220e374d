public import AudioCore

/// Cuts blocks of any length into exact codec frames, keeps their times, and fills in for a capture that has stopped.
///
/// Passive: the owner's thread asks for the next frame and is told when to come back.
public struct Reframer: ~Copyable {
  /// What is known about one frame.
  public struct Facts: Equatable, Sendable {
    /// Media position of the first sample. Steps by one frame, or by more after a skip.
    public var position: Int64
    /// When the first sample was due at the sink.
    public var captureTime: HostTime
    /// Nothing was captured: the frame is silence from end to end.
    public var isSilence: Bool
    /// Frames that were skipped right before this one.
    public var skipped: FrameCount
  }

  public enum Step: Equatable, Sendable {
    case frame(Facts)
    /// Nothing to do before this time, unless samples arrive.
    case wait(until: HostTime)
  }

  public struct Counts: Equatable, Sendable {
    public var frames: UInt64 = 0
    public var silentFrames: UInt64 = 0
    /// Times sound was missing or the position had to skip, and by how many frames in all.
    public var gaps: UInt64 = 0
    public var gapFrames: UInt64 = 0
    /// Captured audio thrown away because the reader was held up, in frames.
    public var staleFrames: UInt64 = 0
    /// Captured audio thrown away because silence had been sent in its place, in frames.
    public var lateFrames: UInt64 = 0
  }

  private var reader: AudioRing.Reader
  private var timeline: MediaTimeline
  /// Channel of the ring at each place of the codec's frame.
  private let order: [Int]
  public private(set) var counts = Counts()

  private var assembled = 0
  private var toDrop = 0
  /// Silence still to be put before the next captured sample.
  private var toPad = 0
  private var skipped = 0
  private var firstTime = HostTime(nanoseconds: 0)
  private var lastMark: Int?
  /// Graph cycle of the newest block, in frames of the codec's rate.
  public private(set) var cycle = FrameCount(0)
  private let frameLength: Int

  public init(
    reader: consuming AudioRing.Reader, order: [Int], frame: FrameCount, block: FrameCount? = nil, start: HostTime,
    tuning: MediaTimeline.Tuning = MediaTimeline.Tuning()
  ) {
    precondition(order.allSatisfy { $0 >= 0 && $0 < reader.channels })
    self.reader = reader
    self.order = order
    frameLength = frame.value
    timeline = MediaTimeline(frame: frame, block: block, start: start, tuning: tuning)
  }

  /// Assembles the next frame into `target`, interleaved, which must stay the same buffer until a frame is complete.
  public mutating func next(now: HostTime, into target: UnsafeMutablePointer<Float>) -> Step {
    while true {
      if let facts = captured(now: now, target) { return .frame(facts) }
      guard now >= timeline.silenceDue else {
        // What is missing may have come just now.
        if reader.want(FrameCount(max(frameLength - assembled + toDrop - toPad, 1))) { continue }
        return .wait(until: timeline.silenceDue)
      }
      return .frame(silence(now: now, target))
    }
  }

  /// A frame of what has been captured, once there is enough.
  private mutating func captured(now: HostTime, _ target: UnsafeMutablePointer<Float>) -> Facts? {
    while let mark = reader.mark(), reader.available.value > 0 {
      if now - (mark.time + FrameCount(mark.frames).duration(at: .codec)) > timeline.tuning.maximumLag {
        discardStale()
        continue
      }
      if lastMark != mark.start {
        lastMark = mark.start
        cycle = FrameCount(mark.frames)
        if let early = begin(mark, target) { return early }
      }
      if let facts = pad(before: mark, target) ?? take(from: mark, target) { return facts }
    }
    return nil
  }

  /// Forgets everything captured so far; what comes next is new.
  public mutating func drain() {
    reader.release(reader.available)
    forget()
  }

  private mutating func forget() {
    assembled = 0
    toDrop = 0
    toPad = 0
    timeline.interrupt()
  }

  /// A block begins: frames may be missing before it, or come too late. Returns the frame that a gap cuts short.
  private mutating func begin(_ mark: CycleMark, _ target: UnsafeMutablePointer<Float>) -> Facts? {
    switch timeline.begin(mark, assembled: FrameCount(assembled + toPad - toDrop)) {
    case .none: return nil
    case .drop(let frames):
      toDrop += frames.value
      return nil
    case .gap(let frames): return insertGap(frames.value, target)
    }
  }

  /// Makes room for missing frames: the current packet ends in silence, `pad` sees to the rest, and what is less than a
  /// packet begins the next one.
  private mutating func insertGap(_ frames: Int, _ target: UnsafeMutablePointer<Float>) -> Facts? {
    counts.gaps += 1
    counts.gapFrames += UInt64(frames)
    let spared = min(toDrop, frames)
    toDrop -= spared
    toPad += frames - spared
    // Too little to skip: the silence goes where the sound was lost.
    guard assembled > 0, toPad >= frameLength - assembled else { return nil }
    toPad -= frameLength - assembled
    fadeOut(target)
    return complete(isSilence: false, time: firstTime)
  }

  /// Missing frames that make up packets: whole blocks are skipped, and what completes a block is sent as silence.
  private mutating func pad(before mark: CycleMark, _ target: UnsafeMutablePointer<Float>) -> Facts? {
    guard assembled == 0, toPad >= frameLength else { return nil }
    if timeline.isAtBlock {
      let whole = toPad / timeline.block.value * timeline.block.value
      toPad -= whole
      timeline.skip(FrameCount(whole))
      skipped += whole
    }
    guard toPad >= frameLength else { return nil }
    for index in 0..<(frameLength * order.count) { target[index] = 0 }
    let untilBlockEnd = mark.start + mark.frames - reader.position
    let time = mark.time + FrameCount(mark.frames - untilBlockEnd - toPad).duration(at: .codec)
    toPad -= frameLength
    counts.silentFrames += 1
    return complete(isSilence: true, time: time)
  }

  private mutating func take(from mark: CycleMark, _ target: UnsafeMutablePointer<Float>) -> Facts? {
    let untilBlockEnd = mark.start + mark.frames - reader.position
    let left = min(untilBlockEnd, reader.available.value)
    if toDrop > 0 {
      let count = min(toDrop, left)
      reader.release(FrameCount(count))
      toDrop -= count
      counts.lateFrames += UInt64(count)
      return nil
    }
    if assembled == 0 {
      firstTime = mark.time + FrameCount(mark.frames - untilBlockEnd - toPad).duration(at: .codec)
    }
    if toPad > 0 {
      for index in (assembled * order.count)..<((assembled + toPad) * order.count) { target[index] = 0 }
      assembled += toPad
      toPad = 0
    }
    let count = min(left, frameLength - assembled)
    _ = reader.readInterleaved(FrameCount(count), order: order, into: target + assembled * order.count)
    assembled += count
    guard assembled == frameLength else { return nil }
    return complete(isSilence: false, time: firstTime)
  }

  private mutating func complete(isSilence: Bool, time: HostTime) -> Facts {
    let facts = Facts(
      position: timeline.next, captureTime: time, isSilence: isSilence, skipped: FrameCount(skipped))
    skipped = 0
    assembled = 0
    counts.frames += 1
    timeline.advance()
    return facts
  }

  /// Ends a half assembled frame: what is there fades out, the rest is silence, so that the end is no click.
  private func fadeOut(_ target: UnsafeMutablePointer<Float>) {
    let channels = order.count
    for frame in 0..<assembled {
      let gain = Float(assembled - frame) / Float(assembled + 1)
      for channel in 0..<channels { target[frame * channels + channel] *= gain }
    }
    for index in (assembled * channels)..<(frameLength * channels) { target[index] = 0 }
  }

  private mutating func silence(now: HostTime, _ target: UnsafeMutablePointer<Float>) -> Facts {
    if assembled > 0 && timeline.silenceSkip(at: now).value > 0 {
      // Held up: the end of what was captured is too old to be sent now.
      counts.staleFrames += UInt64(assembled)
      assembled = 0
    }
    toDrop = 0
    toPad = 0
    let hadSound = assembled > 0
    fadeOut(target)
    let (jumped, time) = timeline.advanceSilence(at: now, assembled: FrameCount(assembled))
    if jumped.value > 0 {
      skipped += jumped.value
      counts.gaps += 1
      counts.gapFrames += UInt64(jumped.value)
    }
    if !hadSound { counts.silentFrames += 1 }
    return complete(isSilence: !hadSound, time: time)
  }

  private mutating func discardStale() {
    let unread = reader.available
    counts.staleFrames += UInt64(unread.value + assembled)
    reader.release(unread)
    forget()
  }
}
