import AudioCore
import Synchronization

/// The render side of a lane: reads its ring and adds it to the cycle.
///
/// Sound begins exactly as long after it was pushed as one quantum and the margin say, so that the ring never holds more
/// than it must. Where it ends without warning the last frames are heard once more backwards and dying away: no click.
struct LaneState: ~Copyable {
  var reader: AudioRing.Reader
  let clock = ReadClock()
  /// Nothing before this position is heard any more. Written by the worker.
  let discarded = Atomic<Int>(0)
  /// Frames to leave out; negative to stop and begin again. Written by the worker, taken by render.
  let skip = Atomic<Int>(0)
  /// Nothing of this lane sounds.
  let isQuiet = Atomic<Bool>(true)
  let underruns = Atomic<Int>(0)
  let primes = Atomic<Int>(0)

  private var isPlaying = false
  private var lastTime: HostTime?
  private var lastQuantum = 0
  /// Frames that have faded in since the sound began.
  private var risen = 0
  /// The last frames heard, one channel after the other, and how much of their echo has been heard.
  private let tail: UnsafeMutablePointer<Float>
  private var echoed = LaneState.fade

  /// 2.5 ms.
  static var fade: Int { @_noLocks get { 120 } }
  /// So long without a cycle, and nobody was there to hear what waits. In nanoseconds, beside two quanta.
  private static var absence: Int64 { @_noLocks get { 100_000_000 } }

  init(reader: consuming AudioRing.Reader) {
    tail = .allocate(capacity: reader.channels * Self.fade)
    tail.initialize(repeating: 0, count: reader.channels * Self.fade)
    self.reader = reader
  }

  deinit { tail.deallocate() }

  /// Thread: render.
  @_noLocks
  mutating func render(_ cycle: Cycle) {
    let frames = cycle.frames
    obey(cycle)
    let lead = isPlaying ? 0 : begin(cycle)
    if isPlaying { play(cycle, from: lead) } else { echo(cycle, from: 0) }
    clock.publish(time: cycle.time, position: reader.position, quantum: frames, isPlaying: isPlaying)
    isQuiet.store(!isPlaying && echoed >= Self.fade, ordering: .relaxed)
    lastTime = cycle.time
    lastQuantum = frames
  }

  /// What the worker wants, and what the graph did, before anything is read.
  @_noLocks
  private mutating func obey(_ cycle: Cycle) {
    if let lastTime {
      let passed = (cycle.time - lastTime).nanoseconds
      let usual = Int64(lastQuantum) * 62_500 / 3
      if passed > 2 * usual + Self.absence || passed < 0 {
        reader.release(reader.available)
        isPlaying = false
        echoed = Self.fade
      }
    }
    let bound = discarded.load(ordering: .acquiring)
    if bound > reader.position {
      let ready = reader.available.value
      let gone = bound &- reader.position
      reader.release(FrameCount(gone < ready ? gone : ready))
      stop()
    }
    // A longer quantum needs more than the ring holds: better to begin again than to run dry.
    if isPlaying && cycle.frames > lastQuantum && reader.available.value < cycle.frames { stop() }
    if isPlaying && skip.load(ordering: .relaxed) < 0 {
      skip.store(0, ordering: .relaxed)
      stop()
    }
  }

  @_noLocks
  private mutating func stop() {
    guard isPlaying else { return }
    isPlaying = false
    echoed = 0
  }

  /// Begins when the sound that waits is due in this cycle. Returns the frames that are silent before it.
  @_noLocks
  private mutating func begin(_ cycle: Cycle) -> Int {
    guard let mark = reader.mark() else { return 0 }
    // The mark's quantum is the margin.
    let wait = reader.position &- mark.start &+ cycle.frames &+ mark.quantum
    let sinceMark = Int((cycle.time - mark.time).nanoseconds &* 3 / 62_500)
    let lead = wait &- sinceMark
    let ready = reader.available.value
    // Two clocks that do not fit: then at once.
    if lead > 48_000 {
      guard ready >= cycle.frames else { return 0 }
      return rise(0)
    }
    guard lead < cycle.frames else { return 0 }
    if lead < 0 {
      let late = 0 &- lead
      guard ready &- late >= cycle.frames else {
        reader.release(FrameCount(late < ready ? late : ready))
        return 0
      }
      reader.release(FrameCount(late))
      return rise(0)
    }
    guard ready >= cycle.frames &- lead else { return 0 }
    return rise(lead)
  }

  @_noLocks
  private mutating func rise(_ lead: Int) -> Int {
    isPlaying = true
    risen = 0
    primes.add(1, ordering: .relaxed)
    skip.store(0, ordering: .relaxed)
    return lead
  }

  @_noLocks
  private mutating func play(_ cycle: Cycle, from start: Int) {
    echo(cycle, from: 0)
    let wanted = cycle.frames &- start
    let ready = reader.available.value
    let leap = skip.load(ordering: .relaxed)
    if leap > 0 && risen >= Self.fade && ready >= wanted &+ leap {
      skip.store(0, ordering: .relaxed)
      let length = wanted < Self.fade ? wanted : Self.fade
      let step = 1 / Float(length)
      add(cycle, at: start, from: 0, count: length, gain: 1, slope: 0 - step)
      add(cycle, at: start, from: leap, count: length, gain: 0, slope: step)
      add(cycle, at: start &+ length, from: leap &+ length, count: wanted &- length, gain: 1, slope: 0)
      remember(leap, wanted)
      reader.release(FrameCount(leap &+ wanted))
      return
    }
    let count = ready < wanted ? ready : wanted
    let rising = Self.fade &- risen < count ? Self.fade &- risen : count
    if rising > 0 {
      let step = 1 / Float(Self.fade)
      add(cycle, at: start, from: 0, count: rising, gain: Float(risen) * step, slope: step)
      risen &+= rising
    }
    add(cycle, at: start &+ rising, from: rising, count: count &- rising, gain: 1, slope: 0)
    remember(0, count)
    reader.release(FrameCount(count))
    guard count < wanted else { return }
    // Sound that ended in silence has ended; other sound was cut off.
    if tail[Self.fade &- 1] != 0 { underruns.add(1, ordering: .relaxed) }
    stop()
    echo(cycle, from: start &+ count)
  }

  /// The end of the sound once more, backwards and dying away.
  @_noLocks
  private mutating func echo(_ cycle: Cycle, from start: Int) {
    guard echoed < Self.fade && start < cycle.frames else { return }
    let room = cycle.frames &- start
    let count = Self.fade &- echoed < room ? Self.fade &- echoed : room
    let step = 1 / Float(Self.fade)
    var channel = 0
    while channel < cycle.output.channelCount {
      let out = cycle.output.channel(channel) + start
      for frame in 0..<count {
        let gain = 1 - Float(echoed &+ frame &+ 1) * step
        out[frame] += gain * voice(of: channel, among: cycle.output.channelCount, at: Self.fade &- 1 &- echoed &- frame)
      }
      channel += 1
    }
    echoed &+= count
  }

  /// What the tail gives to an output channel.
  @_noLocks
  private func voice(of channel: Int, among outputs: Int, at frame: Int) -> Float {
    if reader.channels == 1 { return tail[frame] }
    if outputs == 1 { return 0.5 * (tail[frame] + tail[Self.fade &+ frame]) }
    return channel < reader.channels ? tail[channel &* Self.fade &+ frame] : 0
  }

  /// Adds frames of the ring, counted from its next unread one, to the output. One channel goes to all, two to the first
  /// two, or halved to a single one.
  @_noLocks
  private func add(_ cycle: Cycle, at place: Int, from: Int, count: Int, gain: Float, slope: Float) {
    guard count > 0, let span = reader.span(FrameCount(from &+ count)) else { return }
    let outputs = cycle.output.channelCount
    var channel = 0
    while channel < outputs {
      let out = cycle.output.channel(channel) + place
      if reader.channels == 1 {
        sum(out, 0, span, from, count, gain, slope)
      } else if outputs == 1 {
        sum(out, 0, span, from, count, 0.5 * gain, 0.5 * slope)
        sum(out, 1, span, from, count, 0.5 * gain, 0.5 * slope)
      } else if channel < reader.channels {
        sum(out, channel, span, from, count, gain, slope)
      }
      channel += 1
    }
  }

  @_noLocks
  private func sum(
    _ out: UnsafeMutablePointer<Float>, _ channel: Int, _ span: RingSpan, _ from: Int, _ count: Int, _ gain: Float,
    _ slope: Float
  ) {
    // The part before the end of the ring's memory, then the part from its beginning.
    let straight = span.firstCount &- from
    let before = straight <= 0 ? 0 : straight < count ? straight : count
    if before > 0 {
      let samples = reader.pointer(channel: channel, offset: span.first &+ from)
      for frame in 0..<before { out[frame] += samples[frame] * (gain + slope * Float(frame)) }
    }
    guard before < count else { return }
    let samples = reader.pointer(channel: channel, offset: from &+ before &- span.firstCount)
    for frame in 0..<(count &- before) {
      out[before &+ frame] += samples[frame] * (gain + slope * Float(before &+ frame))
    }
  }

  /// Keeps the end of what was heard: `count` frames of the ring after the first `from`.
  @_noLocks
  private func remember(_ from: Int, _ count: Int) {
    guard count > 0, let span = reader.span(FrameCount(from &+ count)) else { return }
    let kept = count < Self.fade ? count : Self.fade
    var channel = 0
    while channel < reader.channels {
      let into = tail + channel &* Self.fade
      for frame in 0..<(Self.fade &- kept) { into[frame] = into[frame &+ kept] }
      var frame = 0
      while frame < kept {
        let place = from &+ count &- kept &+ frame
        let offset = place < span.firstCount ? span.first &+ place : place &- span.firstCount
        into[Self.fade &- kept &+ frame] = reader.pointer(channel: channel, offset: offset).pointee
        frame &+= 1
      }
      channel += 1
    }
  }
}
