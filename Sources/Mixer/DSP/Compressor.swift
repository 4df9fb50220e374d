public import AudioCore

/// Makes what is above a threshold louder by less than it is. All channels get the same gain.
///
/// The level in decibels goes through the static curve, and the reduction that comes out is what attack and release smooth:
/// so they last as long for a small step as for a large one. Nothing above the threshold and no make-up: bit for bit the
/// input, later by `latency`.
/// Thread: any one at a time; nothing but making and dropping it allocates.
public struct Compressor: ~Copyable, @unchecked Sendable {
  /// What may change while it runs, without a click.
  public struct Settings: Equatable, Sendable, BitwiseCopyable {
    /// In dBFS, of what the detector takes for the level.
    public var threshold: Double = -24
    /// How many decibels more of input make one more of output; infinity is a limit.
    public var ratio: Double = 2.5
    /// Width of the soft knee in decibels.
    public var knee: Double = 6
    /// Until 63.2 % of a step's reduction is reached, and gone.
    public var attack = HostDuration.milliseconds(10)
    public var release = HostDuration.milliseconds(100)
    /// The greatest reduction in decibels.
    public var range: Double = 60
    public var makeUp: Double = 0
    /// Adds the reduction of the last seconds' sound, on the average of its power: what is loud counts most, as it does in
    /// loudness.
    public var autoMakeUp = false
    /// The share of the output that is compressed: 0 to 1.
    public var mix: Double = 1
    /// The band that the side chain listens to, in hertz. Zero: no limit.
    public var sideChainHighPass: Double = 0
    public var sideChainLowPass: Double = 0

    public init() {}
  }

  private var chain: SideChain
  private var curve: DynamicsCurve
  private var smoother = ReductionSmoother()
  private var makeUp: Smoother
  private var automatic: Smoother
  private var mix: Smoother
  private var average = 0.0
  /// The mean power that the average is taken over.
  private var power = 0.0
  private let averageShare: Double
  /// A chunk of wanted reductions, one of powers, and one of a setting's values.
  private let wanted: UnsafeMutablePointer<Float>
  private let powers: UnsafeMutablePointer<Float>
  private let ramps: UnsafeMutablePointer<Float>
  private let rate: SampleRate
  private var greatest: Float = 0

  /// `keyChannels` above zero: it listens to a key of so many channels instead of its own sound. The look-ahead is at most
  /// 5 ms. Thread: control.
  public init(
    rate: SampleRate, channels: Int, keyChannels: Int = 0, detector: LevelDetector = .peak,
    lookahead: HostDuration = .zero, settings: Settings = Settings()
  ) {
    self.rate = rate
    chain = SideChain(
      rate: rate, channels: channels, keyChannels: keyChannels, detector: detector, lookahead: lookahead)
    let ramp = rate.frames(in: .milliseconds(20))
    curve = DynamicsCurve(Self.numbers(settings), above: true, ramp: ramp.value)
    makeUp = Smoother(0, length: ramp)
    automatic = Smoother(0, length: ramp)
    mix = Smoother(1, length: ramp)
    averageShare = ReductionSmoother.share(3 * Double(rate.hertz))
    wanted = .allocate(capacity: SideChain.chunk)
    wanted.initialize(repeating: 0, count: SideChain.chunk)
    powers = .allocate(capacity: SideChain.chunk)
    powers.initialize(repeating: 0, count: SideChain.chunk)
    ramps = .allocate(capacity: SideChain.chunk)
    ramps.initialize(repeating: 0, count: SideChain.chunk)
    apply(settings)
    reset()
  }

  deinit {
    wanted.deallocate()
    powers.deallocate()
    ramps.deallocate()
  }

  /// Frames by which the output is later than the input.
  public var latency: FrameCount { FrameCount(chain.lookahead) }

  @_noLocks
  private static func numbers(_ settings: Settings) -> DynamicsCurve.Numbers {
    let ratio = DynamicsBlock.bounded(settings.ratio, 1, .infinity)
    return DynamicsCurve.Numbers(
      threshold: DynamicsBlock.bounded(settings.threshold, -120, 20) * DynamicsBlock.decibel, slope: 1 - 1 / ratio,
      knee: DynamicsBlock.bounded(settings.knee, 0, 60) * DynamicsBlock.decibel,
      range: DynamicsBlock.bounded(settings.range, 0, 120) * DynamicsBlock.decibel)
  }

  /// Settings out of range count as the nearest in range. Thread: render.
  @_noLocks public mutating func apply(_ settings: Settings) {
    curve.aim(Self.numbers(settings))
    let fall = chain.tune(
      SideChainFilter.Band(highPass: settings.sideChainHighPass, lowPass: settings.sideChainLowPass),
      following: settings.release)
    smoother.tune(rise: DynamicsBlock.frames(settings.attack, at: rate), fall: fall)
    makeUp.aim(Float(DynamicsBlock.bounded(settings.makeUp, -60, 60) * DynamicsBlock.decibel))
    automatic.aim(settings.autoMakeUp ? 1 : 0)
    mix.aim(Float(DynamicsBlock.bounded(settings.mix, 0, 1)))
  }

  /// Forgets the sound so far; settings hold at once. Thread: render.
  @_noLocks public mutating func reset() {
    chain.reset()
    smoother.reset()
    curve.snap()
    makeUp.advance(.max)
    automatic.advance(.max)
    mix.advance(.max)
    average = 0
    power = 0
    greatest = 0
  }

  /// The greatest reduction since the last call, in decibels, without make-up. Thread: render.
  @_noLocks public mutating func takeGreatestReduction() -> Float {
    let taken = greatest
    greatest = 0
    return taken * 6.0206
  }

  /// Compresses `frames` frames of each channel in place, from `start` on. Thread: render.
  @_noLocks public mutating func process(
    _ planes: UnsafePointer<UnsafeMutablePointer<Float>>, key: UnsafePointer<UnsafeMutablePointer<Float>>? = nil,
    from start: Int = 0, frames: Int
  ) {
    var done = start
    let end = start &+ frames
    while done < end {
      let count = end &- done < SideChain.chunk ? end &- done : SideChain.chunk
      chain.listen(planes, key: key, from: done, frames: count)
      reduce(count)
      chain.deliver(planes, from: done, frames: count)
      done &+= count
    }
  }

  /// One frame of the average. Something much louder than all before counts no more than eight frames.
  @_noLocks @inline(__always)
  private mutating func weigh(_ reduction: Double, _ own: Double) {
    power += averageShare * (own - power)
    let weight = own < 8 * power ? own / power : 8
    average += averageShare * weight * (reduction - average)
  }

  /// Turns the levels of a chunk into gains.
  @_noLocks
  private mutating func reduce(_ frames: Int) {
    let values = chain.values
    let automated = !(automatic.isSettled && automatic.value == 0)
    if automated {
      for frame in 0..<frames { powers[frame] = 2 * values[frame] }
      DynamicsBlock.powers(of: powers, frames: frames)
    }
    curve.process(values, frames: frames)
    if automated { renderCopy(wanted, from: values, floats: frames) }
    smoother.process(values, frames: frames)
    for frame in 0..<frames { greatest = values[frame] > greatest ? values[frame] : greatest }
    DynamicsBlock.fill(ramps, from: &makeUp, frames: frames)
    if automated {
      for frame in 0..<frames {
        // Only sound above the threshold says how much: pauses change nothing.
        if wanted[frame] > 0.01 { weigh(Double(values[frame]), Double(powers[frame])) }
        values[frame] = ramps[frame] - values[frame] + automatic.next() * Float(average)
      }
    } else {
      for frame in 0..<frames { values[frame] = ramps[frame] - values[frame] }
    }
    DynamicsBlock.powers(of: values, frames: frames)
    guard !(mix.isSettled && mix.value == 1) else { return }
    DynamicsBlock.fill(ramps, from: &mix, frames: frames)
    // One stays exactly one.
    for frame in 0..<frames { values[frame] = 1 + ramps[frame] * (values[frame] - 1) }
  }
}
