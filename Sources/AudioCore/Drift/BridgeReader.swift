import Synchronization

/// The end of a bridge in the domain that sound goes to.
///
/// Sound that runs dry is not cut off: its last 5 ms are heard once more backwards, dying away. It rises in 5 ms when it is
/// back.
public struct BridgeReader: ~Copyable, @unchecked Sendable {
  private var ring: AudioRing.Reader
  private var resampler: SincResampler
  private var control: BridgeControl
  private let core: BridgeCore
  private let counters: UnsafeMutablePointer<BridgeCounters>
  private let longest: Int
  /// What the resampler made, one channel after the other, and the last of what was heard.
  private let scratch: UnsafeMutablePointer<Float>
  private let tail: UnsafeMutablePointer<Float>
  private let fade: Int
  /// Frames of each fade that have been heard; all of them where none is going on.
  private var risen = 0
  private var fallen: Int
  private var echoed: Int
  private var isFalling = false
  private var mark = CycleMark(
    start: 0, frames: 0, time: HostTime(nanoseconds: 0), position: 0, quantum: 0, flags: .none)
  private var hasMark = false
  /// Blocks that did not fit, as far as was seen; and whether sound of before and after such a loss lies in the ring.
  private var seenLost = 0
  private var isBroken = false

  init(
    ring: consuming AudioRing.Reader, resampler: consuming SincResampler, control: BridgeControl, core: BridgeCore,
    longest: Int, fade: Int
  ) {
    scratch = .allocate(capacity: longest * ring.channels)
    scratch.initialize(repeating: 0, count: longest * ring.channels)
    tail = .allocate(capacity: fade * ring.channels)
    tail.initialize(repeating: 0, count: fade * ring.channels)
    self.ring = ring
    self.resampler = resampler
    self.control = control
    self.core = core
    counters = core.counters
    self.longest = longest
    self.fade = fade
    fallen = 0
    echoed = fade
  }

  deinit {
    scratch.deallocate()
    tail.deallocate()
  }

  /// Fills one plane a channel with this cycle's sound; `time` is when the cycle began.
  /// Thread: render of the reading domain.
  @_noLocks
  public mutating func read(into planes: UnsafePointer<UnsafeMutablePointer<Float>>, frames: Int, time: HostTime) {
    guard frames > 0 else { return }
    if let newest = ring.newestMark() {
      mark = newest
      hasMark = true
    }
    let lost = counters.pointee.flooded.load(ordering: .relaxed)
    if lost != seenLost { isBroken = true }
    seenLost = lost
    if isBroken && !control.isPlaying { drain() }
    let reading = BridgeControl.Reading(
      now: time, frames: frames, written: mark.start &+ mark.frames, writeTime: mark.time, writeQuantum: mark.quantum,
      hasWritten: hasMark, used: Double(ring.position) - resampler.held, available: ring.available.value,
      needed: resampler.needed(for: frames), isFading: echoed < fade, isBroken: isBroken)
    switch control.step(reading) {
    case .silence: rest(planes, from: 0, to: frames)
    case .restart:
      drain()
      stop()
      echoed = fade
      rest(planes, from: 0, to: frames)
    case .begin(let drop):
      ring.release(FrameCount(drop))
      risen = 0
      play(planes, frames, reading)
    case .play(let ppm):
      resampler.correct(ppm: ppm, over: frames)
      play(planes, frames, reading)
    case .leave:
      isFalling = true
      fallen = 0
      play(planes, frames, reading)
    }
    counters.pointee.publish(control)
  }

  /// Lets go of all that waits.
  @_noLocks private mutating func drain() {
    ring.release(ring.available)
    hasMark = false
    isBroken = false
  }

  /// What was fed is forgotten: what is played next does not follow it.
  @_noLocks private mutating func stop() {
    resampler.reset()
    isFalling = false
  }

  @_noLocks private mutating func play(
    _ planes: UnsafePointer<UnsafeMutablePointer<Float>>, _ frames: Int, _ reading: BridgeControl.Reading
  ) {
    var done = 0
    while done < frames {
      let wanted = frames &- done < longest ? frames &- done : longest
      feed(resampler.needed(for: wanted))
      let made = resampler.produce(into: scratch, limit: wanted, stride: 1, channelStride: longest)
      shape(planes, from: done, frames: made)
      done &+= made
      if isFalling && fallen >= fade {
        // Silence from here: the end of the fall is no sound to echo.
        stop()
        control.left()
        rest(planes, from: done, to: frames)
        return
      }
      guard made < wanted else { continue }
      stop()
      control.starve(reading)
      counters.pointee.starved.add(1, ordering: .relaxed)
      echoed = 0
      rest(planes, from: done, to: frames)
      return
    }
  }

  /// Hands the resampler what it needs, straight out of the ring, or what there is.
  @_noLocks private mutating func feed(_ needed: Int) {
    let available = ring.available.value
    let count = needed < available ? needed : available
    guard count > 0, let span = ring.span(FrameCount(count)) else { return }
    let stride = ring.channelStride
    _ = resampler.feed(
      ring.pointer(channel: 0, offset: span.first), frames: span.firstCount, stride: 1, channelStride: stride)
    if span.secondCount > 0 {
      _ = resampler.feed(
        ring.pointer(channel: 0, offset: 0), frames: span.secondCount, stride: 1, channelStride: stride)
    }
    ring.release(FrameCount(count))
  }

  /// Copies what was made, rising or falling where it must, and keeps its end.
  @_noLocks private mutating func shape(
    _ planes: UnsafePointer<UnsafeMutablePointer<Float>>, from start: Int, frames: Int
  ) {
    let step = 1 / Float(fade)
    let kept = frames < fade ? frames : fade
    var channel = 0
    while channel < ring.channels {
      let made = scratch + channel &* longest
      if risen < fade || isFalling {
        for frame in 0..<frames {
          let up = risen &+ frame &+ 1 < fade ? Float(risen &+ frame &+ 1) * step : 1
          let gone = fallen &+ frame &+ 1 < fade ? Float(fallen &+ frame &+ 1) * step : 1
          made[frame] *= isFalling ? up * (1 - gone) : up
        }
      }
      renderCopy(planes[channel] + start, from: made, floats: frames)
      let last = tail + channel &* fade
      for frame in 0..<(fade &- kept) { last[frame] = last[frame &+ kept] }
      renderCopy(last + (fade &- kept), from: made + (frames &- kept), floats: kept)
      channel += 1
    }
    risen = risen &+ frames < fade ? risen &+ frames : fade
    if isFalling { fallen &+= frames }
  }

  /// Silence, with what is left of the echo.
  @_noLocks private mutating func rest(
    _ planes: UnsafePointer<UnsafeMutablePointer<Float>>, from start: Int, to end: Int
  ) {
    guard end > start else { return }
    let room = end &- start
    let count = fade &- echoed < room ? fade &- echoed : room
    let step = 1 / Float(fade)
    var channel = 0
    while channel < ring.channels {
      let out = planes[channel] + start
      let last = tail + (channel &* fade &+ fade &- 1 &- echoed)
      for frame in 0..<count { out[frame] = (1 - Float(echoed &+ frame &+ 1) * step) * last[0 &- frame] }
      renderZero(out + count, floats: room &- count)
      channel += 1
    }
    echoed &+= count
  }
}
