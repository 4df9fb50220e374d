public import AudioCore

/// Makes what is below a threshold quieter than it is. All channels get the same gain.
///
/// The counterpart of `Compressor`, of the same parts: attack is how fast it opens, release how fast it closes. Nothing below
/// the threshold: bit for bit the input, later by `latency`.
/// Thread: any one at a time; nothing but making and dropping it allocates.
public struct Expander: ~Copyable, @unchecked Sendable {
  /// What may change while it runs, without a click.
  public struct Settings: Equatable, Sendable, BitwiseCopyable {
    /// In dBFS, of what the detector takes for the level.
    public var threshold: Double = -50
    /// Decibels of output for each decibel of input below the threshold.
    public var ratio: Double = 2
    public var knee: Double = 6
    /// Until 63.2 % of a step's reduction is gone, and reached.
    public var attack = HostDuration.milliseconds(1)
    public var release = HostDuration.milliseconds(150)
    /// The greatest reduction in decibels.
    public var range: Double = 40
    /// The band that the side chain listens to, in hertz. Zero: no limit.
    public var sideChainHighPass: Double = 0
    public var sideChainLowPass: Double = 0

    public init() {}
  }

  private var chain: SideChain
  private var curve: DynamicsCurve
  private var smoother = ReductionSmoother()
  private let rate: SampleRate

  /// `keyChannels` above zero: it listens to a key of so many channels instead of its own sound. The look-ahead is at most
  /// 5 ms. Thread: control.
  public init(
    rate: SampleRate, channels: Int, keyChannels: Int = 0, detector: LevelDetector = .peak,
    lookahead: HostDuration = .zero, settings: Settings = Settings()
  ) {
    self.rate = rate
    chain = SideChain(
      rate: rate, channels: channels, keyChannels: keyChannels, detector: detector, lookahead: lookahead)
    curve = DynamicsCurve(Self.numbers(settings), above: false, ramp: rate.frames(in: .milliseconds(20)).value)
    apply(settings)
  }

  /// Frames by which the output is later than the input.
  public var latency: FrameCount { FrameCount(chain.lookahead) }

  @_noLocks
  private static func numbers(_ settings: Settings) -> DynamicsCurve.Numbers {
    DynamicsCurve.Numbers(
      threshold: DynamicsBlock.bounded(settings.threshold, -120, 20) * DynamicsBlock.decibel,
      slope: DynamicsBlock.bounded(settings.ratio, 1, 100) - 1,
      knee: DynamicsBlock.bounded(settings.knee, 0, 60) * DynamicsBlock.decibel,
      range: DynamicsBlock.bounded(settings.range, 0, 120) * DynamicsBlock.decibel)
  }

  /// Settings out of range count as the nearest in range. Thread: render.
  @_noLocks public mutating func apply(_ settings: Settings) {
    curve.aim(Self.numbers(settings))
    let fall = DynamicsBlock.frames(settings.attack, at: rate)
    let rise = chain.tune(
      SideChainFilter.Band(highPass: settings.sideChainHighPass, lowPass: settings.sideChainLowPass),
      following: settings.release)
    smoother.tune(rise: rise, fall: fall)
  }

  /// Forgets the sound so far; settings hold at once. Thread: render.
  @_noLocks public mutating func reset() {
    chain.reset()
    smoother.reset()
    curve.snap()
  }

  /// Expands `frames` frames of each channel in place. Thread: render.
  @_noLocks public mutating func process(
    _ planes: UnsafePointer<UnsafeMutablePointer<Float>>, key: UnsafePointer<UnsafeMutablePointer<Float>>? = nil,
    frames: Int
  ) {
    var done = 0
    while done < frames {
      let count = frames &- done < SideChain.chunk ? frames &- done : SideChain.chunk
      chain.listen(planes, key: key, from: done, frames: count)
      curve.process(chain.values, frames: count)
      smoother.process(chain.values, frames: count)
      DynamicsBlock.gains(of: chain.values, frames: count)
      chain.deliver(planes, from: done, frames: count)
      done &+= count
    }
  }
}
