public import AudioCore

/// Takes steady noise out of speech: 20 ms of sound every 10 ms become a spectrum, each bin of which is turned down by what
/// of it is noise. Noise is what stays, so music does not survive it.
///
/// All channels share one gain, from the mean of their powers: where something is heard between loudspeakers does not
/// move, and the thinking is done once. Off, the sound passes bit for bit, only later.
/// Thread: render, but for its life.
public struct NoiseSuppressor: ~Copyable, @unchecked Sendable {
  public struct Settings: Hashable, Sendable, BitwiseCopyable {
    public var isEnabled = true
    /// The most by which anything is turned down, 0 to 40 dB; 0 is off.
    public var strength = Decibels(20)

    @_noLocks public init() {}
  }

  private var frames: OverlapFrames
  private let transform: RealTransform
  private var estimate: NoiseEstimate
  private var gain: SpeechGain
  private let sound: UnsafeMutablePointer<Float>
  /// For each channel real and imaginary parts.
  private let spectra: UnsafeMutablePointer<Float>
  private let power: UnsafeMutablePointer<Float>
  private let stride: Int
  private var wanted = Settings()
  /// The least gain, in octaves.
  private var floor: Float = 0
  private var left: Float = 1

  /// Thread: control.
  public init(format: StreamFormat, settings: Settings = Settings()) {
    precondition(format.rate.hertz >= 8000)
    let channels = format.layout.count
    let hop = format.rate.hertz / 100
    frames = OverlapFrames(channels: channels, hop: hop)
    var size = 16
    while size < 2 * hop { size *= 2 }
    transform = RealTransform(size: size)
    let bins = size / 2 + 1
    stride = (bins + 2 + 15) / 16 * 16
    estimate = NoiseEstimate(bins: bins)
    gain = SpeechGain(bins: bins)
    sound = .allocate(capacity: size)
    sound.initialize(repeating: 0, count: size)
    spectra = .allocate(capacity: 2 * stride * channels)
    spectra.initialize(repeating: 0, count: 2 * stride * channels)
    power = .allocate(capacity: stride)
    power.initialize(repeating: 0, count: stride)
    aim(settings)
    frames.reset(wet: isWanted)
  }

  deinit {
    sound.deallocate()
    spectra.deallocate()
    power.deallocate()
  }

  /// 20 ms, or up to 0.2 ms less where a rate has no whole hundredth.
  public var latency: FrameCount { frames.latency }

  /// By what the last window was multiplied on the whole.
  public var currentGain: Float { @_noLocks get { left } }

  private var isWanted: Bool { @_noLocks get { wanted.isEnabled && floor < 0 } }

  /// On and off fade in 20 ms; another strength counts from the next window on.
  @_noLocks
  public mutating func aim(_ settings: Settings) {
    wanted = settings
    let strength = settings.strength.value.isFinite ? settings.strength.value : 20
    floor = -Float(DynamicsBlock.bounded(strength, 0, 40) * DynamicsBlock.decibel)
  }

  /// Forgets the sound so far, and what its noise was.
  @_noLocks
  public mutating func reset() {
    estimate.reset()
    gain.reset()
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

  /// A hop is full: the window that ends with it is dealt with.
  @_noLocks
  private mutating func turn() {
    let isMade = isWanted || frames.isHeard
    if isMade {
      analyse()
      decide()
      synthesise()
    } else {
      left = 1
    }
    frames.advance(isMade: isMade, isWanted: isWanted)
  }

  /// Spectra, and their power's sum.
  @_noLocks
  private mutating func analyse() {
    let power = power + 1
    let length = 2 &* frames.hop
    renderZero(power, floats: transform.bins)
    for channel in 0..<frames.channels {
      DynamicsBlock.multiply(frames.latest(channel), by: frames.window, into: sound, frames: length)
      renderZero(sound + length, floats: transform.size &- length)
      let (real, imaginary) = (spectra + 2 &* stride &* channel, spectra + (2 &* channel &+ 1) &* stride)
      transform.forward(sound, real, imaginary)
      for bin in 0..<transform.bins { power[bin] += real[bin] * real[bin] + imaginary[bin] * imaginary[bin] }
    }
  }

  @_noLocks
  private mutating func decide() {
    let power = power + 1
    let bins = transform.bins
    var heard: Float = 0
    let share = 1 / Float(frames.channels)
    for bin in 0..<bins {
      let level = power[bin] * share
      heard += level
      power[bin] = level > NoiseEstimate.least ? level : NoiseEstimate.least
    }
    guard heard > 1e-9 * Float(bins) else {
      estimate.pause()
      left = 1
      return
    }
    estimate.look(at: power)
    gain.decide(power, noise: estimate.noise, absence: estimate.absence, floor: floor)
    estimate.learn(power, presence: gain.presence)
    var kept: Float = 0
    for bin in 0..<bins { kept += power[bin] * gain.gains[bin] * gain.gains[bin] }
    left = renderRoot(kept / heard)
  }

  @_noLocks
  private func synthesise() {
    for channel in 0..<frames.channels {
      let (real, imaginary) = (spectra + 2 &* stride &* channel, spectra + (2 &* channel &+ 1) &* stride)
      DynamicsBlock.multiply(real, by: gain.gains, into: real, frames: transform.bins)
      DynamicsBlock.multiply(imaginary, by: gain.gains, into: imaginary, frames: transform.bins)
      transform.inverse(real, imaginary, into: sound)
      frames.add(sound, to: channel)
    }
  }
}
