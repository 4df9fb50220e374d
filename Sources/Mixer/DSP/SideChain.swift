public import AudioCore

/// What a dynamics processor takes for the level of its key.
public enum LevelDetector: Equatable, Sendable {
  /// The highest sample of the last half periods: a tone's level is its peak.
  case peak
  /// The root of the mean square over a window: a tone's level is 3.01 dB below its peak. Times of attack and release
  /// count from when the window has seen the change.
  case rms(window: HostDuration)
}

/// What all dynamics processors have in common: it takes in the sound, delays it by the look-ahead and says how loud the
/// key is, whose channels are linked.
/// Thread: any one at a time.
struct SideChain: ~Copyable {
  let channels: Int
  let keyChannels: Int
  let lookahead: Int
  /// A chunk of levels in octaves, then of whatever is made of them.
  let values: UnsafeMutablePointer<Float>
  private let rate: SampleRate
  private var line: DelayLine
  private var filter: SideChainFilter
  private let key: UnsafeMutablePointer<Float>
  private var peak: HeldPeak
  private var square: MeanSquare
  private let isPeak: Bool

  /// Frames that go through each stage at once.
  static var chunk: Int { @_noLocks get { 128 } }

  /// Without key channels of its own it listens to the sound itself. Thread: control.
  init(rate: SampleRate, channels: Int, keyChannels: Int, detector: LevelDetector, lookahead: HostDuration) {
    let limit = ChannelLayout.limit
    precondition(rate.hertz >= 8000 && (1...limit).contains(channels) && (0...limit).contains(keyChannels))
    self.rate = rate
    self.channels = channels
    self.keyChannels = keyChannels
    self.lookahead = rate.frames(in: max(.zero, min(lookahead, .milliseconds(5)))).value
    line = DelayLine(channels: channels, past: self.lookahead, chunk: Self.chunk)
    let listened = keyChannels > 0 ? keyChannels : channels
    filter = SideChainFilter(rate: rate, channels: listened)
    key = .allocate(capacity: Self.chunk)
    key.initialize(repeating: 0, count: Self.chunk)
    values = .allocate(capacity: Self.chunk)
    values.initialize(repeating: 0, count: Self.chunk)
    var window = HostDuration.zero
    if case .rms(let length) = detector { window = max(.milliseconds(1), min(length, .milliseconds(400))) }
    isPeak = window == .zero
    peak = HeldPeak(most: isPeak ? rate.frames(in: Self.longestHold).value : 1)
    square = MeanSquare(channels: isPeak ? 1 : listened, width: rate.frames(in: window).value)
  }

  deinit {
    key.deallocate()
    values.deallocate()
  }

  /// Half a period of 50 Hz: what the peak of a lower tone needs to be steady is more delay than a release should have.
  static var longestHold: HostDuration { @_noLocks get { .milliseconds(10) } }

  /// Peaks are held for half of what follows them, at most ten milliseconds. Returns how many frames of the time that
  /// follows are left.
  @_noLocks
  mutating func tune(_ band: SideChainFilter.Band, following: HostDuration) -> Double {
    filter.tune(band)
    let frames = DynamicsBlock.frames(following, at: rate)
    guard isPeak else { return frames }
    peak.resize(to: Int(frames / 2))
    return frames - Double(peak.width &- 1)
  }

  @_noLocks
  mutating func reset() {
    line.reset()
    filter.reset()
    peak.reset()
    square.reset()
  }

  /// Takes in at most a chunk of each channel and leaves the key's level at `values`.
  @_noLocks
  mutating func listen(
    _ planes: UnsafePointer<UnsafeMutablePointer<Float>>, key keys: UnsafePointer<UnsafeMutablePointer<Float>>?,
    from: Int, frames: Int
  ) {
    line.makeRoom(for: frames)
    for frame in 0..<frames { values[frame] = 0 }
    for channel in 0..<channels {
      let new = line.end(of: channel)
      DynamicsBlock.admit(planes[channel] + from, into: new, frames: frames)
      if keyChannels == 0 { hear(new, channel, frames) }
    }
    if keyChannels > 0, let keys {
      for channel in 0..<keyChannels {
        DynamicsBlock.admit(keys[channel] + from, into: key, frames: frames)
        hear(key, channel, frames)
      }
    }
    if isPeak { peak.process(values, frames: frames) }
    DynamicsBlock.logarithms(of: values, scale: isPeak ? 1 : 0.5, frames: frames)
  }

  @_noLocks
  private mutating func hear(_ samples: UnsafeMutablePointer<Float>, _ channel: Int, _ frames: Int) {
    var heard = samples
    if filter.isActive {
      if samples != key { renderCopy(key, from: samples, floats: frames) }
      filter.process(channel: channel, key, frames: frames)
      heard = key
    }
    if isPeak {
      DynamicsBlock.raise(values, to: heard, frames: frames)
    } else {
      square.process(channel: channel, heard, into: values, frames: frames)
    }
  }

  /// The delayed frames of one channel that belong to what was taken in last.
  @_noLocks
  func delayed(_ channel: Int) -> UnsafePointer<Float> { UnsafePointer(line.end(of: channel) - lookahead) }

  /// Gives out what was taken in, delayed and times the gains at `values`.
  @_noLocks
  mutating func deliver(_ planes: UnsafePointer<UnsafeMutablePointer<Float>>, from: Int, frames: Int) {
    for channel in 0..<channels {
      DynamicsBlock.multiply(delayed(channel), by: values, into: planes[channel] + from, frames: frames)
    }
    line.advance(frames)
  }

  /// What was taken in has been given out: for those who do so themselves.
  @_noLocks
  mutating func advance(_ frames: Int) { line.advance(frames) }
}
