import AudioCore
import Synchronization

/// What the render thread keeps for a `BusPlayer`.
///
/// `spare` is what is left after a block has been taken. One driver: it is a block or none, always. Two drivers: it drifts, so a
/// cushion is kept once the sound has run out for the first time, and the least spare of each second says what to correct.
struct BusPlayerState: ~Copyable {
  let underruns = Atomic<Int>(0)
  let overruns = Atomic<Int>(0)
  let missed = Atomic<Int>(0)
  let dropped = Atomic<Int>(0)
  let inserted = Atomic<Int>(0)
  let waiting = Atomic<Int>(0)
  private let source: RenderFace<BusSource>
  private var current: UnsafeMutablePointer<BusSource>?
  private var expected: Int64?
  private var isFlowing = false
  /// The sound has ended and why is not known before it begins again.
  private var hasEnded = false
  /// When the block that was read last ends.
  private var end = HostTime(nanoseconds: 0)
  private var cushion = 0
  /// The longer of the two blocks, written and read.
  private var unit = 0
  private var leastSpare = Int.max
  private var watched = 0
  /// Frames of the fade-in that have passed, and of the tail that are left.
  private var faded = 0
  private var tail = 0
  /// The last sample of each channel.
  private let last: UnsafeMutablePointer<Float>

  private static let fade = 240
  private static let tailFrames = 48
  private static let window = 48_000
  private static let cushionLimit = 4096
  /// A writer that was silent for so long has paused.
  private static let pause = HostDuration.milliseconds(60)

  init(source: RenderFace<BusSource>) {
    self.source = source
    last = .allocate(capacity: ChannelLayout.limit)
    last.initialize(repeating: 0, count: ChannelLayout.limit)
  }

  deinit { last.deallocate() }

  /// Thread: render.
  @_noLocks
  mutating func render(_ cycle: Cycle) {
    if let expected, cycle.position != expected { missed.add(1, ordering: .relaxed) }
    expected = cycle.position + Int64(cycle.frames)
    guard let source = source.adopt() else { return }
    if source != current {
      // Another bus, another distance.
      current = source
      isFlowing = false
      hasEnded = false
      cushion = 0
    }
    guard source.pointee.reader.channels == cycle.output.channelCount else { return }
    let available = source.pointee.reader.available.value
    waiting.store(available, ordering: .relaxed)
    if !isFlowing && !begin(source, cycle, available) {
      ring(out: cycle, from: 0)
    } else if source.pointee.reader.available.value < cycle.frames {
      runDry(source, cycle)
    } else {
      flow(source, cycle)
    }
  }

  /// Begins to play once there is enough; what is older than needed is let go unheard.
  @_noLocks
  private mutating func begin(
    _ source: UnsafeMutablePointer<BusSource>, _ cycle: Cycle, _ available: Int
  ) -> Bool {
    guard let mark = source.pointee.reader.mark() else { return false }
    unit = mark.frames > cycle.frames ? mark.frames : cycle.frames
    if hasEnded {
      hasEnded = false
      let hasPaused = mark.flags.contains(.discontinuity) || mark.time - end > Self.pause
      if !hasPaused {
        underruns.add(1, ordering: .relaxed)
        cushion = cushion + unit < Self.cushionLimit ? cushion + unit : Self.cushionLimit
      }
    }
    let surplus = available - cycle.frames - cushion
    guard surplus >= 0 else { return false }
    source.pointee.reader.release(FrameCount(surplus))
    isFlowing = true
    faded = 0
    leastSpare = .max
    watched = 0
    return true
  }

  @_noLocks
  private mutating func flow(_ source: UnsafeMutablePointer<BusSource>, _ cycle: Cycle) {
    note(source)
    let jump = correction(spare: source.pointee.reader.available.value - cycle.frames, frames: cycle.frames)
    var channel = 0
    while channel < cycle.output.channelCount {
      if jump == 0 {
        copy(source, channel, cycle.frames, into: cycle.output.channel(channel))
      } else {
        splice(source, channel, cycle.frames, jump, into: cycle.output.channel(channel))
      }
      channel += 1
    }
    source.pointee.reader.release(FrameCount(cycle.frames + jump))
    fadeIn(cycle, cycle.frames)
    keepLast(cycle, cycle.frames)
    tail = 0
  }

  /// How many frames to leave out; negative for some to be played twice.
  @_noLocks
  private mutating func correction(spare: Int, frames: Int) -> Int {
    leastSpare = spare < leastSpare ? spare : leastSpare
    watched += frames
    if spare > cushion + 4 * unit { return drop(spare - cushion) }
    guard watched >= Self.window else { return 0 }
    let least = leastSpare
    leastSpare = .max
    watched = 0
    if least > cushion + unit { return drop(least - cushion) }
    guard cushion > 0, least < cushion / 4 else { return 0 }
    let count = cushion / 2 < frames / 2 ? cushion / 2 : frames / 2
    inserted.add(count, ordering: .relaxed)
    return -count
  }

  @_noLocks
  private mutating func drop(_ frames: Int) -> Int {
    overruns.add(1, ordering: .relaxed)
    dropped.add(frames, ordering: .relaxed)
    leastSpare = .max
    watched = 0
    return frames
  }

  /// Plays what is left and lets the last sample ring out.
  @_noLocks
  private mutating func runDry(_ source: UnsafeMutablePointer<BusSource>, _ cycle: Cycle) {
    note(source)
    let left = source.pointee.reader.available.value
    var channel = 0
    while channel < cycle.output.channelCount {
      copy(source, channel, left, into: cycle.output.channel(channel))
      channel += 1
    }
    if left > 0 {
      source.pointee.reader.release(FrameCount(left))
      fadeIn(cycle, left)
      keepLast(cycle, left)
    }
    isFlowing = false
    hasEnded = true
    tail = Self.tailFrames
    ring(out: cycle, from: left)
  }

  @_noLocks
  private mutating func note(_ source: UnsafeMutablePointer<BusSource>) {
    guard let mark = source.pointee.reader.mark() else { return }
    end = mark.time + FrameCount(mark.frames).duration(at: .codec)
  }

  /// The next frames of one channel as they are.
  @_noLocks
  private func copy(
    _ source: UnsafeMutablePointer<BusSource>, _ channel: Int, _ frames: Int, into target: UnsafeMutablePointer<Float>
  ) {
    guard frames > 0, let span = source.pointee.reader.span(FrameCount(frames)) else { return }
    renderCopy(
      target, from: source.pointee.reader.pointer(channel: channel, offset: span.first), floats: span.firstCount)
    guard span.secondCount > 0 else { return }
    renderCopy(
      target + span.firstCount, from: source.pointee.reader.pointer(channel: channel, offset: 0),
      floats: span.secondCount)
  }

  /// The next frames, with a fade to what is `jump` frames later, or to what was `-jump` frames earlier.
  @_noLocks
  private func splice(
    _ source: UnsafeMutablePointer<BusSource>, _ channel: Int, _ frames: Int, _ jump: Int,
    into target: UnsafeMutablePointer<Float>
  ) {
    // Of what is gone already nothing can be played again: the fade begins where it is still there.
    let start = jump < 0 ? -jump : 0
    let length = frames - start < Self.fade ? frames - start : Self.fade
    let step = 1 / Float(length > 0 ? length : 1)
    var gain: Float = 0
    var frame = 0
    while frame < frames {
      if frame < start {
        target[frame] = source.pointee.reader.sample(channel: channel, frame)
      } else if frame - start < length {
        gain += step
        let old = source.pointee.reader.sample(channel: channel, frame)
        target[frame] = old + (source.pointee.reader.sample(channel: channel, frame + jump) - old) * gain
      } else {
        target[frame] = source.pointee.reader.sample(channel: channel, frame + jump)
      }
      frame += 1
    }
  }

  @_noLocks
  private mutating func fadeIn(_ cycle: Cycle, _ frames: Int) {
    guard faded < Self.fade else { return }
    let count = Self.fade - faded < frames ? Self.fade - faded : frames
    var channel = 0
    while channel < cycle.output.channelCount {
      let samples = cycle.output.channel(channel)
      var frame = 0
      while frame < count {
        samples[frame] *= Float(faded + frame + 1) / Float(Self.fade)
        frame += 1
      }
      channel += 1
    }
    faded += count
  }

  @_noLocks
  private func keepLast(_ cycle: Cycle, _ frames: Int) {
    guard frames > 0 else { return }
    var channel = 0
    while channel < cycle.output.channelCount {
      last[channel] = cycle.output.channel(channel)[frames - 1]
      channel += 1
    }
  }

  /// An end without a click: the last sample goes down to nothing.
  @_noLocks
  private mutating func ring(out cycle: Cycle, from start: Int) {
    let room = cycle.frames - start
    let count = tail < room ? tail : room
    guard count > 0 else { return }
    var channel = 0
    while channel < cycle.output.channelCount {
      let samples = cycle.output.channel(channel) + start
      var frame = 0
      while frame < count {
        samples[frame] = last[channel] * Float(tail - frame - 1) / Float(Self.tailFrames)
        frame += 1
      }
      channel += 1
    }
    tail -= count
  }
}
