public import AudioCore
import CSpeex

/// `NoiseSuppressor`'s part played by speexdsp: frames of 10 ms in 16 bits, so what is above full scale is cut off. Each
/// channel is dealt with by itself. As late as the other; off, the sound passes bit for bit.
///
/// Thread: render, but for its life, and nothing but that allocates.
public struct SpeexSuppressor: ~Copyable, @unchecked Sendable {
  private var frames: OverlapFrames
  private let states: UnsafeMutablePointer<OpaquePointer>
  private let samples: UnsafeMutablePointer<Int16>
  private let sound: UnsafeMutablePointer<Float>
  private var wanted = NoiseSuppressor.Settings()
  private var strength: Int32 = 0
  private var left: Float = 1

  /// Thread: control. Nil where there is no memory.
  public init?(format: StreamFormat, settings: NoiseSuppressor.Settings = .init()) {
    precondition(format.rate.hertz >= 8000)
    let channels = format.layout.count
    let hop = format.rate.hertz / 100
    var made: [OpaquePointer] = []
    for _ in 0..<channels {
      if let state = cspeex_open(Int32(hop), Int32(clamping: format.rate.hertz)) { made.append(state) }
    }
    guard made.count == channels else {
      for state in made { cspeex_close(state) }
      return nil
    }
    frames = OverlapFrames(channels: channels, hop: hop)
    states = .allocate(capacity: channels)
    states.initialize(from: made, count: channels)
    samples = .allocate(capacity: hop)
    samples.initialize(repeating: 0, count: hop)
    sound = .allocate(capacity: hop)
    sound.initialize(repeating: 0, count: hop)
    aim(settings)
    frames.reset(wet: isWanted)
    // Code that runs for the first time is brought in by the loader: not in a cycle.
    for channel in 0..<channels { cspeex_run(states[channel], samples) }
  }

  deinit {
    for channel in 0..<frames.channels { cspeex_close(states[channel]) }
    states.deallocate()
    samples.deallocate()
    sound.deallocate()
  }

  public var latency: FrameCount { frames.latency }

  /// By what the last frame was multiplied on the whole.
  public var currentGain: Float { @_noLocks get { left } }

  private var isWanted: Bool { @_noLocks get { wanted.isEnabled && strength > 0 } }

  /// On and off fade in 20 ms; another strength, in whole decibels, counts from the next frame on.
  @_noLocks
  public mutating func aim(_ settings: NoiseSuppressor.Settings) {
    wanted = settings
    let decibels = settings.strength.value.isFinite ? settings.strength.value : 20
    strength = Int32(DynamicsBlock.bounded(decibels, 0, 40) + 0.5)
    for channel in 0..<frames.channels { cspeex_aim(states[channel], strength) }
  }

  /// Begins with what is wanted, without a fade. What speexdsp has learnt stays.
  @_noLocks
  public mutating func reset() {
    left = 1
    frames.reset(wet: isWanted)
  }

  @_noLocks
  public mutating func process(_ planes: UnsafePointer<UnsafeMutablePointer<Float>>, frames count: Int) {
    var done = 0
    while done < count {
      let part = frames.room < count &- done ? frames.room : count &- done
      frames.pass(planes, from: done, frames: part)
      done &+= part
      if frames.room == 0 { turn() }
    }
  }

  @_noLocks
  private mutating func turn() {
    let isMade = isWanted || frames.isHeard
    left = 1
    if isMade {
      var (before, after): (Float, Float) = (0, 0)
      for channel in 0..<frames.channels {
        // What comes out belongs to the frame before the newest.
        let late = frames.latest(channel)
        suppress(channel, late + frames.hop)
        let sound = sound
        for frame in 0..<frames.hop {
          before += late[frame] * late[frame]
          after += sound[frame] * sound[frame]
        }
        frames.put(sound, to: channel)
      }
      if before > 1e-9 * Float(frames.hop) { left = renderRoot(after / before) }
    }
    frames.advance(isMade: isMade, isWanted: isWanted)
  }

  @_noLocks
  private func suppress(_ channel: Int, _ from: UnsafePointer<Float>) {
    let (samples, sound) = (samples, sound)
    for frame in 0..<frames.hop {
      let scaled = from[frame] * 32_768
      let bounded = scaled > -32_768 ? (scaled < 32_767 ? scaled : 32_767) : -32_768
      samples[frame] = Int16(truncatingIfNeeded: Int32(bounded + (bounded < 0 ? -0.5 : 0.5)))
    }
    cspeex_run(states[channel], samples)
    for frame in 0..<frames.hop { sound[frame] = Float(samples[frame]) * (1 / 32_768) }
  }
}
