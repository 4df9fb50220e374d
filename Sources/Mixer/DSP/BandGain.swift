import AudioCore

/// A gain for one band of the sound: what the band's filter passes is added once more, times the gain less one. So a gain
/// of one leaves every bit as it is. Another band is faded to, and one that comes during a fade waits for its end.
/// Thread: any one at a time.
struct BandGain: ~Copyable {
  /// The one that is heard, and one for what it fades to.
  private let filters: UnsafeMutablePointer<SideChainFilter>
  private var heard = 0
  private var band = SideChainFilter.Band(highPass: 0, lowPass: 0)
  private var wanted = SideChainFilter.Band(highPass: 0, lowPass: 0)
  private let length: Int
  /// Frames of the fade that are left: how a chunk must be cut.
  private(set) var fading = 0
  private let parts: UnsafeMutablePointer<Float>
  private let chunk: Int

  /// Thread: control.
  init(rate: SampleRate, channels: Int, chunk: Int) {
    filters = .allocate(capacity: 2)
    for index in 0..<2 { (filters + index).initialize(to: SideChainFilter(rate: rate, channels: channels)) }
    length = max(rate.frames(in: .milliseconds(20)).value, 1)
    self.chunk = chunk
    parts = .allocate(capacity: 2 * chunk)
    parts.initialize(repeating: 0, count: 2 * chunk)
  }

  deinit {
    filters.deinitialize(count: 2)
    filters.deallocate()
    parts.deallocate()
  }

  var isActive: Bool { @_noLocks get { fading > 0 || filters[heard].isActive } }

  @_noLocks
  mutating func tune(_ band: SideChainFilter.Band) {
    wanted = band
    begin()
  }

  @_noLocks
  private mutating func begin() {
    guard fading == 0, !(wanted == band) else { return }
    band = wanted
    let next = filters + (1 &- heard)
    next.pointee.tune(band)
    next.pointee.reset()
    fading = length
  }

  /// Forgets the sound so far; the band is at once the one that was asked for.
  @_noLocks
  mutating func reset() {
    band = wanted
    fading = 0
    let own = filters + heard
    own.pointee.tune(band)
    own.pointee.reset()
  }

  /// At most a chunk, and no more than is left of a fade.
  @_noLocks
  func process(
    channel: Int, _ samples: UnsafePointer<Float>, by gains: UnsafePointer<Float>, into: UnsafeMutablePointer<Float>,
    frames: Int
  ) {
    let (own, other) = (parts, parts + chunk)
    let filter = filters + heard
    renderCopy(own, from: samples, floats: frames)
    filter.pointee.process(channel: channel, own, frames: frames)
    if fading > 0 {
      let next = filters + (1 &- heard)
      renderCopy(other, from: samples, floats: frames)
      next.pointee.process(channel: channel, other, frames: frames)
      let done = length &- fading
      for frame in 0..<frames {
        own[frame] += (other[frame] - own[frame]) * smoothStep(Float(done &+ frame &+ 1) / Float(length))
      }
    }
    for frame in 0..<frames { into[frame] = samples[frame] + (gains[frame] - 1) * own[frame] }
  }

  /// All channels have had so many frames.
  @_noLocks
  mutating func advance(_ frames: Int) {
    guard fading > 0 else { return }
    fading &-= frames
    guard fading == 0 else { return }
    heard = 1 &- heard
    begin()
  }
}
