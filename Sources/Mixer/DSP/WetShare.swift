import AudioCore

/// Mixes what an effect made with what it was made of, and fades between the two without a click. All the one or all the
/// other is passed bit for bit.
/// Thread: render, but for its life.
struct WetShare: ~Copyable {
  /// Frames of the longest call.
  static var chunk: Int { @_noLocks get { 128 } }

  private let channels: Int
  private let delay: Int
  private var line: DelayLine
  private var share: Smoother
  /// Factors of a chunk: of what the effect made, then of what it was made of.
  private let factors: UnsafeMutablePointer<Float>

  /// The effect is `delay` frames late. Thread: control.
  init(channels: Int, delay: Int, share: Float, rate: SampleRate) {
    self.channels = channels
    self.delay = delay
    line = DelayLine(channels: channels, past: delay, chunk: Self.chunk)
    self.share = Smoother(share, length: rate.frames(in: .milliseconds(20)))
    factors = .allocate(capacity: 2 * Self.chunk)
    factors.initialize(repeating: 0, count: 2 * Self.chunk)
  }

  deinit { factors.deallocate() }

  @_noLocks
  mutating func aim(_ share: Float) { self.share.aim(share) }

  /// To be called before `dry`.
  @_noLocks
  mutating func begin(_ frames: Int) { line.makeRoom(for: frames) }

  /// Where what the effect is made of goes, numbers only.
  @_noLocks
  func dry(_ channel: Int) -> UnsafeMutablePointer<Float> { line.end(of: channel) }

  @_noLocks
  mutating func mix(
    _ wet: UnsafePointer<UnsafeMutablePointer<Float>>, gain: inout Ramp,
    into: UnsafePointer<UnsafeMutablePointer<Float>>, from first: Int, frames: Int
  ) {
    precondition(frames <= Self.chunk)
    if share.isSettled && share.value == 0 {
      gain.skip(frames)
      for channel in 0..<channels {
        renderCopy(into[channel] + first, from: line.end(of: channel) - delay, floats: frames)
      }
    } else {
      let (wets, dries) = (factors, factors + Self.chunk)
      for frame in 0..<frames {
        let part = share.next()
        wets[frame] = part * gain.next()
        dries[frame] = 1 - part
      }
      for channel in 0..<channels {
        let (out, effect, dry) = (into[channel] + first, wet[channel], line.end(of: channel) - delay)
        for frame in 0..<frames { out[frame] = finite(effect[frame] * wets[frame] + dry[frame] * dries[frame]) }
      }
    }
    line.advance(frames)
  }
}
