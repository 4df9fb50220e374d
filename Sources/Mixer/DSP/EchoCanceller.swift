public import AudioCore

/// Takes what loudspeakers play out of what a microphone hears. The far end is what is played; how much later it comes
/// back, and through what room, is found out, and what a filter cannot take away is turned down.
///
/// Every channel has a filter of its own; a far end of several channels counts as their sum. Blocks are about 5 ms, the
/// filter covers 128 ms behind a delay of up to half a second. Off, the sound passes bit for bit, only later.
/// Thread: render, but for its life.
public struct EchoCanceller: ~Copyable, @unchecked Sendable {
  public struct Settings: Hashable, Sendable, BitwiseCopyable {
    public var isEnabled = true
    /// The most by which what is left of the echo is turned down, 0 to 60 dB.
    public var suppression = Decibels(20)
    /// Where an echo is turned down, noise like that of the room takes the place of what of the room went with it.
    public var comfort = false

    @_noLocks public init() {}
  }

  private let rate: Int
  private let farChannels: Int
  private var frames: OverlapFrames
  private let transform: RealTransform
  private var reference: EchoReference
  private var delay: EchoDelay
  private let filters: UnsafeMutablePointer<EchoFilter>
  private let suppressors: UnsafeMutablePointer<EchoSuppressor>
  private let rooms: UnsafeMutablePointer<ComfortNoise>
  private let bins: Int
  private let stride: Int
  /// For each channel two blocks without echo.
  private let cleaned: UnsafeMutablePointer<Float>
  private let sound: UnsafeMutablePointer<Float>
  private let real: UnsafeMutablePointer<Float>
  private let imaginary: UnsafeMutablePointer<Float>
  /// Blocks before the filter's first part.
  private var offset = 0
  private var wanted = Settings()
  private var floor: Float = 1
  private var heardPower: Float = 0
  private var leftPower: Float = 0

  /// Blocks by which the filter begins before the delay that was found.
  private static var margin: Int { @_noLocks get { 4 } }

  private static func block(_ rate: SampleRate) -> Int {
    var block = 16
    while block * 2 <= rate.hertz * 6 / 1000 { block *= 2 }
    return block
  }

  private static func counts(_ rate: SampleRate) -> (block: Int, parts: Int, lags: Int) {
    let block = block(rate)
    let parts = (rate.hertz * 128 / 1000 + block - 1) / block
    return (block, parts, (rate.hertz / 2 + block - 1) / block + 1)
  }

  /// Bytes that one needs.
  public static func memory(_ rate: SampleRate, channels: Int) -> Int {
    let (block, parts, lags) = counts(rate)
    return 4 * (block + 16) * (2 * (lags + parts) + channels * (6 * parts + 54))
  }

  /// Thread: control.
  public init(format: StreamFormat, farChannels: Int, settings: Settings = Settings()) {
    precondition(format.rate.hertz >= 8000)
    let channels = format.layout.count
    let (block, parts, lags) = Self.counts(format.rate)
    rate = format.rate.hertz
    self.farChannels = farChannels
    frames = OverlapFrames(channels: channels, hop: block)
    transform = RealTransform(size: 2 * block)
    reference = EchoReference(block: block, depth: lags + parts)
    bins = block + 1
    stride = reference.stride
    delay = EchoDelay(lags: lags, bins: bins, hertz: rate)
    filters = .allocate(capacity: channels)
    suppressors = .allocate(capacity: channels)
    rooms = .allocate(capacity: channels)
    for channel in 0..<channels {
      (filters + channel).initialize(to: EchoFilter(block: block, parts: parts))
      (suppressors + channel).initialize(to: EchoSuppressor(bins: bins))
      (rooms + channel).initialize(to: ComfortNoise(bins: bins))
    }
    cleaned = .allocate(capacity: 2 * block * channels)
    cleaned.initialize(repeating: 0, count: 2 * block * channels)
    sound = .allocate(capacity: 2 * block)
    sound.initialize(repeating: 0, count: 2 * block)
    real = .allocate(capacity: 2 * stride)
    real.initialize(repeating: 0, count: 2 * stride)
    imaginary = real + stride
    aim(settings)
    frames.reset(wet: wanted.isEnabled)
  }

  deinit {
    filters.deinitialize(count: frames.channels)
    suppressors.deinitialize(count: frames.channels)
    rooms.deinitialize(count: frames.channels)
    rooms.deallocate()
    filters.deallocate()
    suppressors.deallocate()
    cleaned.deallocate()
    sound.deallocate()
    real.deallocate()
  }

  /// Two blocks: 10.7 ms at 48 kHz.
  public var latency: FrameCount { frames.latency }

  /// How much later than the far end its echo comes; 0 while that is not known.
  public var delayMilliseconds: Float {
    @_noLocks get { delay.found == nil ? 0 : delay.exact * 1000 * Float(frames.hop) / Float(rate) }
  }

  /// What is left, on the whole, of what a microphone heard while the far end played: an amplitude, of half a second.
  public var currentGain: Float {
    @_noLocks get { heardPower > 1e-12 ? renderRoot(leftPower / heardPower) : 1 }
  }

  /// On and off fade in two blocks; another suppression counts from the next block on.
  @_noLocks
  public mutating func aim(_ settings: Settings) {
    wanted = settings
    let most = settings.suppression.value.isFinite ? settings.suppression.value : 20
    floor = Float(renderExp2(-DynamicsBlock.bounded(most, 0, 60) * DynamicsBlock.decibel))
  }

  /// Forgets the sound so far, and the room.
  @_noLocks
  public mutating func reset() {
    for channel in 0..<frames.channels {
      (filters + channel).pointee.reset()
      (suppressors + channel).pointee.reset()
      (rooms + channel).pointee.reset()
    }
    renderZero(cleaned, floats: 2 &* frames.hop &* frames.channels)
    reference.reset()
    delay.reset()
    offset = 0
    (heardPower, leftPower) = (0, 0)
    frames.reset(wet: wanted.isEnabled)
  }

  /// `far` is what is played at the same time; it is only read.
  @_noLocks
  public mutating func process(
    _ planes: UnsafePointer<UnsafeMutablePointer<Float>>, far: UnsafePointer<UnsafeMutablePointer<Float>>,
    frames count: Int
  ) {
    var done = 0
    while done < count {
      let part = frames.room < count &- done ? frames.room : count &- done
      let target = reference.filling + frames.filled
      Sanitised.copy(far[0] + done, into: target, frames: part)
      for channel in 1..<(farChannels > 1 ? farChannels : 1) {
        let source = far[channel] + done
        for frame in 0..<part {
          let sample = source[frame]
          target[frame] += sample.magnitude < Sanitised.limit ? sample : 0
        }
      }
      frames.pass(planes, from: done, frames: part)
      done &+= part
      if frames.room == 0 { turn() }
    }
  }

  /// A block is full.
  @_noLocks
  private mutating func turn() {
    reference.turn(transform)
    let isMade = wanted.isEnabled || frames.isHeard
    if isMade {
      findDelay()
      for channel in 0..<frames.channels { clean(channel) }
    }
    frames.advance(isMade: isMade, isWanted: wanted.isEnabled)
  }

  @_noLocks
  private mutating func findDelay() {
    transform.forward(frames.latest(0), real, imaginary)
    delay.look(real, imaginary, reference)
    guard let found = delay.found else { return }
    // Where the direct sound still falls into the first parts nothing is moved.
    guard found < offset || found > offset &+ 2 &* Self.margin else { return }
    let new = found > Self.margin ? found &- Self.margin : 0
    guard new != offset else { return }
    for channel in 0..<frames.channels { (filters + channel).pointee.shift(new &- offset) }
    offset = new
  }

  @_noLocks
  private mutating func clean(_ channel: Int) {
    let block = frames.hop
    let heard = frames.latest(channel) + block
    let left = cleaned + 2 &* block &* channel
    renderCopy(left, from: left + block, floats: block)
    let filter = filters + channel
    filter.pointee.process(heard, into: left + block, reference, delay: offset, transform)
    DynamicsBlock.multiply(left, by: frames.window, into: sound, frames: 2 &* block)
    transform.forward(sound, real, imaginary)
    let suppressor = suppressors + channel
    suppressor.pointee.decide(real, imaginary, expected: filter.pointee.expected, floor: floor)
    // Learnt all the time, so that it is known when somebody asks for it.
    let room = rooms + channel
    let gains = suppressor.pointee.gains
    room.pointee.learn(real, imaginary, echo: suppressor.pointee.echo)
    DynamicsBlock.multiply(real, by: gains, into: real, frames: bins)
    DynamicsBlock.multiply(imaginary, by: gains, into: imaginary, frames: bins)
    if wanted.comfort { room.pointee.add(to: real, imaginary, gains: gains) }
    transform.inverse(real, imaginary, into: sound)
    if channel == 0 && reference.isHeard(offset &+ Self.margin) { account(heard, sound) }
    frames.add(sound, to: channel)
  }

  /// The middle of a window, which lets 0.82 of its power through, says how much is left.
  @_noLocks
  private mutating func account(_ heard: UnsafePointer<Float>, _ left: UnsafePointer<Float>) {
    var (before, after): (Float, Float) = (0, 0)
    let block = frames.hop
    for frame in 0..<block {
      before += heard[frame] * heard[frame]
      after += left[block / 2 &+ frame] * left[block / 2 &+ frame]
    }
    heardPower += 0.02 * (before - heardPower)
    leftPower += 0.02 * (after * (1 / 0.818) - leftPower)
  }
}
