public import AudioCore

/// Lets pass what is loud enough and turns down the rest. All channels get the same gain.
///
/// It opens at one level and begins to close once the sound has been below a lower one for the hold. Open for a while: bit for
/// bit the input, later by `latency`.
/// Thread: any one at a time; nothing but making and dropping it allocates.
public struct Gate: ~Copyable, @unchecked Sendable {
  /// What may change while it runs, without a click.
  public struct Settings: Equatable, Sendable, BitwiseCopyable {
    /// In dBFS, of what the detector takes for the level.
    public var threshold: Double = -50
    /// By how many decibels the level at which it closes is lower.
    public var hysteresis: Double = 4
    /// Until 63.2 % of the range is gone, in decibels.
    public var attack = HostDuration.milliseconds(1)
    public var hold = HostDuration.milliseconds(100)
    /// Until 63.2 % of the range is reached, after the hold.
    public var release = HostDuration.milliseconds(150)
    /// How far down it turns in decibels.
    public var range: Double = 60
    /// The band that it listens to, in hertz. Zero: no limit.
    public var sideChainHighPass: Double = 0
    public var sideChainLowPass: Double = 0

    public init() {}
  }

  private var chain: SideChain
  private var level = LevelSwitch()
  private var smoother = ReductionSmoother()
  private var range: Float = 0
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
    apply(settings)
    reset()
  }

  /// Frames by which the output is later than the input.
  public var latency: FrameCount { FrameCount(chain.lookahead) }

  /// Whether it lets pass what came last.
  public var isOpen: Bool { @_noLocks get { level.isOn } }

  /// Settings out of range count as the nearest in range. Thread: render.
  @_noLocks public mutating func apply(_ settings: Settings) {
    // A peak is held for a part of the hold, so that a low tone keeps the gate open.
    let hold = chain.tune(
      SideChainFilter.Band(highPass: settings.sideChainHighPass, lowPass: settings.sideChainLowPass),
      following: settings.hold)
    let threshold = DynamicsBlock.bounded(settings.threshold, -120, 20)
    let close = threshold - DynamicsBlock.bounded(settings.hysteresis, 0, 40)
    level.tune(on: threshold * DynamicsBlock.decibel, off: close * DynamicsBlock.decibel, hold: hold)
    smoother.tune(
      rise: DynamicsBlock.frames(settings.release, at: rate), fall: DynamicsBlock.frames(settings.attack, at: rate))
    range = Float(DynamicsBlock.bounded(settings.range, 0, 120) * DynamicsBlock.decibel)
  }

  /// Forgets the sound so far: it is closed. Thread: render.
  @_noLocks public mutating func reset() {
    chain.reset()
    level.reset()
    smoother.reset(to: Double(range))
  }

  /// Gates `frames` frames of each channel in place. Thread: render.
  @_noLocks public mutating func process(
    _ planes: UnsafePointer<UnsafeMutablePointer<Float>>, key: UnsafePointer<UnsafeMutablePointer<Float>>? = nil,
    frames: Int
  ) {
    var done = 0
    while done < frames {
      let count = frames &- done < SideChain.chunk ? frames &- done : SideChain.chunk
      chain.listen(planes, key: key, from: done, frames: count)
      level.process(chain.values, frames: count, whenOn: 0, whenOff: range)
      smoother.process(chain.values, frames: count)
      DynamicsBlock.gains(of: chain.values, frames: count)
      chain.deliver(planes, from: done, frames: count)
      done &+= count
    }
  }
}
