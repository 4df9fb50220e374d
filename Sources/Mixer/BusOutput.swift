public import AudioCore
import Synchronization

/// One bus of the mix: a layout, a gain and a ring that an encoder reads. It outlives the plans that feed it, so what is
/// in flight survives a change of the plan.
public final class BusOutput: @unchecked Sendable {
  public let layout: ChannelLayout
  /// Wakes whoever reads the ring, once there is as much as it wants.
  public let signal = WakeSignal()
  let state: UnsafeMutablePointer<BusOutputState>

  /// One that is limited ends in a limiter at −1 dBTP: bit for bit what came, 64 frames later, while nothing is too loud.
  /// Thread: control.
  public init(layout: ChannelLayout, capacity: FrameCount, isLimited: Bool = false) {
    self.layout = layout
    state = .allocate(capacity: 1)
    state.initialize(
      to: BusOutputState(
        ring: AudioRing.Writer(channels: layout.count, minimumCapacity: capacity), wake: signal.renderFace,
        limiter: isLimited ? BusLimiter(layout) : nil))
  }

  deinit {
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// The encoder's end. Once.
  public func makeReader() -> AudioRing.Reader { state.pointee.ring.makeReader() }

  /// Thread: any.
  public func setGain(_ gain: Decibels) { state.pointee.gain.set(Float(gain.amplitude)) }

  /// Blocks that did not fit because the reader lags, in frames. Thread: any.
  public var floodedFrames: Int { state.pointee.flooded.load(ordering: .relaxed) }
}

/// What the render thread keeps per bus.
struct BusOutputState: ~Copyable {
  var ring: AudioRing.Writer
  let gain = ParameterCell(1)
  var smoother = Smoother(1, length: 480)
  let flooded = Atomic<Int>(0)
  /// Reported with the next block that fits: the frames in between are gone.
  var interrupted = false
  let wake: UnsafeMutablePointer<WakeWord>
  private let limiter: UnsafeMutablePointer<BusLimiter>?

  init(ring: consuming AudioRing.Writer, wake: UnsafeMutablePointer<WakeWord>, limiter: consuming BusLimiter? = nil) {
    self.ring = ring
    self.wake = wake
    if let limiter {
      let place = UnsafeMutablePointer<BusLimiter>.allocate(capacity: 1)
      place.initialize(to: limiter)
      self.limiter = place
    } else {
      self.limiter = nil
    }
  }

  deinit {
    limiter?.deinitialize(count: 1)
    limiter?.deallocate()
  }

  /// Mixes one cycle into the ring. A nil matrix is silence. False when there was no room. Thread: render.
  @_noLocks
  mutating func render(_ cycle: Cycle, gains: UnsafePointer<Float>?, inputs: Int) -> Bool {
    smoother.aim(gain.value)
    guard let span = ring.reserve(cycle.frames) else {
      smoother.advance(cycle.frames)
      noteFlood(cycle.frames)
      return false
    }
    let start = smoother
    var channel = 0
    while channel < ring.channels {
      smoother = start
      mix(cycle, channel: channel, offset: span.first, from: 0, count: span.firstCount, gains: gains, inputs: inputs)
      mix(
        cycle, channel: channel, offset: 0, from: span.firstCount, count: span.secondCount, gains: gains, inputs: inputs
      )
      channel += 1
    }
    // Not as the last channel left it: one that is silent does not move it.
    smoother = start
    smoother.advance(cycle.frames)
    let flags: CycleFlags = interrupted ? CycleFlags(rawValue: cycle.flags.rawValue | 1) : cycle.flags
    var (time, position) = (cycle.time, cycle.position)
    if let limiter {
      if flags.contains(.discontinuity) { limiter.pointee.reset() }
      limit(limiter, offset: span.first, frames: span.firstCount)
      limit(limiter, offset: 0, frames: span.secondCount)
      // What comes out now came in so much earlier.
      time = HostTime(nanoseconds: time.nanoseconds - BusLimiter.nanoseconds)
      position -= Int64(BusLimiter.latency)
    }
    guard ring.commit(cycle.frames, time: time, position: position, quantum: cycle.quantum, flags: flags) else {
      noteFlood(cycle.frames)
      return false
    }
    interrupted = false
    if ring.isWanted { wake.wake() }
    return true
  }

  /// One run of all channels, in place.
  @_noLocks
  private func limit(_ limiter: UnsafeMutablePointer<BusLimiter>, offset: Int, frames: Int) {
    guard frames > 0 else { return }
    var channel = 0
    while channel < ring.channels {
      limiter.pointee.planes[channel] = ring.pointer(channel: channel, offset: offset)
      channel += 1
    }
    limiter.pointee.process(frames)
  }

  @_noLocks
  private mutating func noteFlood(_ frames: Int) {
    flooded.add(frames, ordering: .relaxed)
    interrupted = true
    wake.wake()
  }

  /// One run of one output channel: sums what feeds it, then applies the bus gain.
  @_noLocks
  private mutating func mix(
    _ cycle: Cycle, channel: Int, offset: Int, from: Int, count: Int, gains: UnsafePointer<Float>?,
    inputs: Int
  ) {
    guard count > 0 else { return }
    let out = ring.pointer(channel: channel, offset: offset)
    var written = false
    if let gains {
      var source = 0
      while source < inputs {
        let gain = gains[channel &* inputs &+ source]
        if gain != 0 {
          let stride = cycle.input.stride
          let samples = cycle.input.channel(source) + from &* stride
          if !written && gain == 1 && stride == 1 {
            renderCopy(out, from: samples, floats: count)
          } else if !written && stride == 2 {
            // Stereo as the server delivers it: a constant step lets the compiler use vectors.
            for frame in 0..<count { out[frame] = samples[frame &* 2] * gain }
          } else if !written {
            for frame in 0..<count { out[frame] = samples[frame &* stride] * gain }
          } else {
            for frame in 0..<count { out[frame] += samples[frame &* stride] * gain }
          }
          written = true
        }
        source += 1
      }
    }
    guard written else {
      renderZero(out, floats: count)
      return
    }
    if smoother.isSettled {
      let gain = smoother.value
      if gain != 1 { for frame in 0..<count { out[frame] *= gain } }
    } else {
      for frame in 0..<count { out[frame] *= smoother.next() }
    }
  }
}
