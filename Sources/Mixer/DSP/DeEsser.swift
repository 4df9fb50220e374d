public import AudioCore

/// Turns down the upper band of the sound while that is too loud, as sharp consonants are. All channels get the same gain.
///
/// The band below its threshold: bit for bit the input, without delay.
/// Thread: any one at a time; nothing but making and dropping it allocates.
public struct DeEsser: ~Copyable, @unchecked Sendable {
  /// What may change while it runs, without a click.
  public struct Settings: Equatable, Sendable, BitwiseCopyable {
    /// Where the band begins, in hertz.
    public var frequency: Double = 5500
    /// The band's level in dBFS above which it is turned down.
    public var threshold: Double = -30
    public var ratio: Double = 4
    /// The greatest reduction in decibels.
    public var range: Double = 12
    public var attack = HostDuration.milliseconds(1)
    public var release = HostDuration.milliseconds(60)

    public init() {}
  }

  private var chain: SideChain
  private var curve: DynamicsCurve
  private var smoother = ReductionSmoother()
  private var shelf: ShelfGain
  private let rate: SampleRate

  /// Thread: control.
  public init(rate: SampleRate, channels: Int, settings: Settings = Settings()) {
    self.rate = rate
    chain = SideChain(rate: rate, channels: channels, keyChannels: 0, detector: .peak, lookahead: .zero)
    curve = DynamicsCurve(Self.numbers(settings), above: true, ramp: rate.frames(in: .milliseconds(20)).value)
    shelf = ShelfGain(rate: rate, channels: channels)
    apply(settings)
  }

  /// Frames by which the output is later than the input.
  public var latency: FrameCount { 0 }

  @_noLocks
  private static func numbers(_ settings: Settings) -> DynamicsCurve.Numbers {
    DynamicsCurve.Numbers(
      threshold: DynamicsBlock.bounded(settings.threshold, -120, 20) * DynamicsBlock.decibel,
      slope: 1 - 1 / DynamicsBlock.bounded(settings.ratio, 1, .infinity), knee: 6 * DynamicsBlock.decibel,
      range: DynamicsBlock.bounded(settings.range, 0, 60) * DynamicsBlock.decibel)
  }

  /// Settings out of range count as the nearest in range. Thread: render.
  @_noLocks public mutating func apply(_ settings: Settings) {
    curve.aim(Self.numbers(settings))
    let frequency = DynamicsBlock.bounded(settings.frequency, 1000, 0.4 * Double(rate.hertz))
    let fall = chain.tune(SideChainFilter.Band(highPass: frequency, lowPass: 0), following: settings.release)
    // The shelf has come down where the band begins.
    shelf.tune(0.7 * frequency)
    smoother.tune(rise: DynamicsBlock.frames(settings.attack, at: rate), fall: fall)
  }

  /// Forgets the sound so far; settings hold at once. Thread: render.
  @_noLocks public mutating func reset() {
    chain.reset()
    shelf.reset()
    smoother.reset()
    curve.snap()
  }

  /// Works on `frames` frames of each channel in place. Thread: render.
  @_noLocks public mutating func process(_ planes: UnsafePointer<UnsafeMutablePointer<Float>>, frames: Int) {
    var done = 0
    while done < frames {
      let count = frames &- done < SideChain.chunk ? frames &- done : SideChain.chunk
      chain.listen(planes, key: nil, from: done, frames: count)
      curve.process(chain.values, frames: count)
      smoother.process(chain.values, frames: count)
      let values = chain.values
      for frame in 0..<count { values[frame] = values[frame] * 0.5 }
      DynamicsBlock.gains(of: chain.values, frames: count)
      for channel in 0..<chain.channels {
        shelf.process(
          channel: channel, chain.delayed(channel), by: chain.values, into: planes[channel] + done, frames: count)
      }
      chain.advance(count)
      done &+= count
    }
  }
}
