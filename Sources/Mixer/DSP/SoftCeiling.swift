public import AudioCore

/// Softens peaks that stand out of the programme they are in: a stage before a limiter, which then has less to do and works
/// on what came out of here.
///
/// What counts as a peak follows the loudness of the last three seconds: so much above it, and never above a ceiling that
/// is there from the start. Above that, eight decibels become one, over a wide knee.
/// Thread: render, but for its life.
public struct SoftCeiling: ~Copyable, @unchecked Sendable {
  public struct Settings: Hashable, Sendable, BitwiseCopyable {
    public var isEnabled = true
    /// So far above the loudness a peak may be, in decibels: 3 to 30.
    public var headroom = 14.0
    /// Where nothing is known of the loudness yet, and at most: -40 to 0 dBFS.
    public var ceiling = -6.0
    public var attack = HostDuration.milliseconds(5)
    public var release = HostDuration.milliseconds(200)

    @_noLocks public init() {}
  }

  private let rate: SampleRate
  private var ear: LevellerEar
  private var loudness = GatedLoudness()
  private var compressor: Compressor
  private var wanted = Compressor.Settings()
  private var settings = Settings()
  private var blocks = 0
  private var length: Int

  /// Blocks of 50 ms that the loudness is the mean of.
  private static var window: Int { @_noLocks get { 60 } }
  /// As many must have been heard before it says anything.
  private static var least: Int { @_noLocks get { 8 } }

  /// Thread: control.
  public init(format: StreamFormat, settings: Settings = Settings()) {
    rate = format.rate
    length = format.rate.hertz / 20
    ear = LevellerEar(format: format)
    compressor = Compressor(
      rate: format.rate, channels: format.layout.count, lookahead: HostDuration(nanoseconds: 1_500_000))
    wanted.ratio = 8
    wanted.knee = 6
    wanted.threshold = 0
    apply(settings)
    compressor.reset()
  }

  public var latency: FrameCount { compressor.latency }

  /// Where peaks begin now, in dBFS. Thread: render.
  public var threshold: Double { @_noLocks get { wanted.threshold } }

  /// The greatest reduction since this was last asked, in decibels. Thread: render.
  @_noLocks
  public mutating func takeGreatestReduction() -> Float { compressor.takeGreatestReduction() }

  @_noLocks
  public mutating func apply(_ settings: Settings) {
    self.settings = settings
    wanted.attack = settings.attack
    wanted.release = settings.release
    wanted.range = settings.isEnabled ? 60 : 0
    follow()
  }

  @_noLocks
  public mutating func reset() {
    ear.reset()
    loudness.forget()
    blocks = 0
    length = rate.hertz / 20
    follow()
    compressor.reset()
  }

  @_noLocks
  public mutating func process(_ planes: UnsafePointer<UnsafeMutablePointer<Float>>, frames: Int) {
    var done = 0
    while done < frames {
      let left = length &- ear.frames
      let count = frames &- done < left ? frames &- done : left
      ear.listen(planes, from: done, frames: count)
      compressor.process(planes, from: done, frames: count)
      done &+= count
      if ear.frames == length { endBlock() }
    }
  }

  @_noLocks
  private mutating func endBlock() {
    blocks &+= 1
    length = ((blocks &+ 1) &* rate.hertz / 20) &- (blocks &* rate.hertz / 20)
    let (power, peak) = ear.take()
    // Gated like a leveller: a pause is not a soft programme.
    if loudness.add(power: power, peak: peak, gate: 1e-7, depth: 0.008, window: Self.window) { follow() }
  }

  @_noLocks
  private mutating func follow() {
    let ceiling = DynamicsBlock.bounded(settings.ceiling, -40, 0)
    let headroom = DynamicsBlock.bounded(settings.headroom, 3, 30)
    var threshold = ceiling
    if loudness.count >= Self.least {
      let units = Leveller.units(loudness.mean(of: Self.window))
      threshold = units + headroom < ceiling ? units + headroom : ceiling
    }
    wanted.threshold = threshold > -60 ? threshold : -60
    compressor.apply(wanted)
  }
}
