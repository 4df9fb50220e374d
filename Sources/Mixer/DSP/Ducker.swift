public import AudioCore

/// Turns sound down while a key is heard, such as a voice. All channels get the same gain.
///
/// Nothing heard on the key for a while: bit for bit the input, later by `latency`.
/// Thread: any one at a time; nothing but making and dropping it allocates.
public struct Ducker: ~Copyable, @unchecked Sendable {
  /// What may change while it runs, without a click.
  public struct Settings: Equatable, Sendable, BitwiseCopyable {
    /// How far down it turns, in decibels.
    public var depth: Double = 12
    /// The key's level in dBFS at which it begins; it ends 4 dB lower.
    public var threshold: Double = -40
    /// Until 90 % of the depth is reached, in decibels.
    public var attack = HostDuration.milliseconds(20)
    public var hold = HostDuration.milliseconds(250)
    /// Until 63.2 % of the depth is gone, after the hold.
    public var release = HostDuration.milliseconds(500)
    /// The band of the sound that is turned down, in hertz. Zero: no limit.
    public var lowest: Double = 0
    public var highest: Double = 0
    /// The band of the key that it listens to.
    public var keyHighPass: Double = 100
    public var keyLowPass: Double = 0

    public init() {}
  }

  private var chain: SideChain
  private var level = LevelSwitch()
  private var smoother = ReductionSmoother()
  private var depth: Smoother
  /// A chunk of depths.
  private let depths: UnsafeMutablePointer<Float>
  private var band: BandGain
  private let rate: SampleRate

  /// The look-ahead is at most 5 ms. Thread: control.
  public init(
    rate: SampleRate, channels: Int, keyChannels: Int, detector: LevelDetector = .peak, lookahead: HostDuration = .zero,
    settings: Settings = Settings()
  ) {
    precondition(keyChannels > 0)
    self.rate = rate
    chain = SideChain(
      rate: rate, channels: channels, keyChannels: keyChannels, detector: detector, lookahead: lookahead)
    depth = Smoother(0, length: rate.frames(in: .milliseconds(20)))
    depths = .allocate(capacity: SideChain.chunk)
    depths.initialize(repeating: 0, count: SideChain.chunk)
    band = BandGain(rate: rate, channels: channels, chunk: SideChain.chunk)
    apply(settings)
    reset()
  }

  deinit { depths.deallocate() }

  /// Frames by which the output is later than the input.
  public var latency: FrameCount { FrameCount(chain.lookahead) }

  /// Whether the key is heard.
  public var isDucking: Bool { @_noLocks get { level.isOn } }

  /// Settings out of range count as the nearest in range. Thread: render.
  @_noLocks public mutating func apply(_ settings: Settings) {
    let hold = chain.tune(
      SideChainFilter.Band(highPass: settings.keyHighPass, lowPass: settings.keyLowPass), following: settings.hold)
    let threshold = DynamicsBlock.bounded(settings.threshold, -120, 20)
    level.tune(on: threshold * DynamicsBlock.decibel, off: (threshold - 4) * DynamicsBlock.decibel, hold: hold)
    // The natural logarithm of ten times the time constant is where 90 % are gone.
    smoother.tune(
      rise: DynamicsBlock.frames(settings.attack, at: rate) * (1 / 2.302585092994046),
      fall: DynamicsBlock.frames(settings.release, at: rate))
    depth.aim(Float(DynamicsBlock.bounded(settings.depth, 0, 120) * DynamicsBlock.decibel))
    band.tune(SideChainFilter.Band(highPass: settings.lowest, lowPass: settings.highest))
  }

  /// Forgets the sound so far; settings hold at once. Thread: render.
  @_noLocks public mutating func reset() {
    chain.reset()
    level.reset()
    smoother.reset()
    depth.advance(.max)
    band.reset()
  }

  /// Ducks `frames` frames of each channel in place. The key must be other sound than what is ducked: false, and nothing is
  /// done, when a plane is in both. Thread: render.
  @discardableResult
  @_noLocks public mutating func process(
    _ planes: UnsafePointer<UnsafeMutablePointer<Float>>, key: UnsafePointer<UnsafeMutablePointer<Float>>, frames: Int
  ) -> Bool {
    for channel in 0..<chain.channels {
      for other in 0..<chain.keyChannels where planes[channel] == key[other] { return false }
    }
    var done = 0
    while done < frames {
      var count = frames &- done < SideChain.chunk ? frames &- done : SideChain.chunk
      if band.fading > 0 && band.fading < count { count = band.fading }
      chain.listen(planes, key: key, from: done, frames: count)
      level.process(chain.values, frames: count, whenOn: 1, whenOff: 0)
      smoother.process(chain.values, frames: count)
      DynamicsBlock.fill(depths, from: &depth, frames: count)
      DynamicsBlock.multiply(chain.values, by: depths, into: chain.values, frames: count)
      DynamicsBlock.gains(of: chain.values, frames: count)
      if band.isActive {
        for channel in 0..<chain.channels {
          band.process(
            channel: channel, chain.delayed(channel), by: chain.values, into: planes[channel] + done, frames: count)
        }
        chain.advance(count)
        band.advance(count)
      } else {
        chain.deliver(planes, from: done, frames: count)
      }
      done &+= count
    }
    return true
  }
}
