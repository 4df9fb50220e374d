import AudioCore

/// The end of a bus that leaves the computer: no codec and no converter behind it is given more than it can take.
/// Thread: render, but for its life.
struct BusLimiter: ~Copyable {
  private var limiter: TruePeakLimiter
  /// Where the samples lie that are limited next.
  let planes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>

  /// Of the short lookahead at 48 kHz.
  static var latency: Int { @_noLocks get { 64 } }
  static var nanoseconds: Int64 { @_noLocks get { 64 * 62_500 / 3 } }

  init(_ layout: ChannelLayout) {
    limiter = TruePeakLimiter(rate: .codec, layout: layout, lookahead: .short)
    precondition(limiter.latency == FrameCount(Self.latency))
    planes = .allocate(capacity: layout.count)
    // Never used before it is set; a pointer has to point somewhere.
    let nowhere = UnsafeMutablePointer<Float>(bitPattern: 8)!
    planes.initialize(repeating: nowhere, count: layout.count)
  }

  deinit { planes.deallocate() }

  @_noLocks mutating func process(_ frames: Int) { limiter.process(planes, frames: frames) }

  /// What it holds back belongs to before a gap.
  @_noLocks mutating func reset() { limiter.reset() }
}
