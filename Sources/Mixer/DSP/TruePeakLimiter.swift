public import AudioCore

/// Keeps the true peak of up to eight channels at or below a ceiling. What is heard is the input, later by `latency` and
/// times a smooth gain: bit for bit the same while nothing exceeds the ceiling.
///
/// Only detection is oversampled. What comes out does not depend on how the input was cut into blocks.
/// Thread: any one at a time; nothing but making and dropping it allocates.
public struct TruePeakLimiter: ~Copyable, @unchecked Sendable {
  /// Which channels share their gain.
  public enum Link: Sendable {
    case all
    /// Left and right of each pair; centre and low frequencies each for themselves.
    case pairs
    case none
  }

  /// How far it looks ahead. Its latency is this and sixteen frames for the detector.
  public enum Lookahead: Sendable {
    /// 1.5 ms: 88 frames of latency at 48 kHz.
    case standard
    /// 1 ms: 64 frames of latency at 48 kHz.
    case short
  }

  /// What may change while it runs, without a click: every change goes the way of the gain.
  public struct Settings: Equatable, Sendable, BitwiseCopyable {
    /// The highest true peak, in dBTP.
    public var ceiling: Double = -1
    /// By how many decibels each channel's own ceiling lies below that.
    public var trims = SIMD8<Double>(repeating: 0)
    /// Kept free for meters that read between our points.
    public var margin: Double = 0.1
    /// How long a gain is kept after the last frame that needed it. Half a period of the lowest tone that stays clean.
    public var hold = HostDuration.milliseconds(25)
    /// Time constant of the way back, after a short event.
    public var release = HostDuration.milliseconds(60)
    /// The same after a fifth of a second of reduction.
    public var slowRelease = HostDuration.milliseconds(400)

    public init() {}
  }

  public let channels: Int
  private let rate: SampleRate
  private let lookahead: Int
  private let groups: Int
  /// The group of each channel.
  private let groupOf: UnsafeMutablePointer<Int>
  private let envelopes: UnsafeMutablePointer<LimiterEnvelope>
  private let detector = IntervalPeak()
  private var line: DelayLine
  /// The peak of the interval before the chunk at hand, for each channel.
  private let before: UnsafeMutablePointer<Float>
  /// One over the ceiling, for each channel.
  private let perCeiling: UnsafeMutablePointer<Float>
  private let peaks: UnsafeMutablePointer<Float>
  /// A chunk of gains for each group.
  private let gains: UnsafeMutablePointer<Float>
  private var timing: LimiterTiming
  private var lowest: Float = 1

  /// Frames that go through each stage at once.
  private static var chunk: Int { @_noLocks get { 128 } }
  /// Vectors may reach so far behind a chunk.
  private static var slack: Int { @_noLocks get { 16 } }

  /// Thread: control.
  public init(rate: SampleRate, layout: ChannelLayout, lookahead: Lookahead = .standard, link: Link = .all) {
    precondition(rate.hertz >= 8000)
    self.rate = rate
    channels = layout.count
    let span = lookahead == .standard ? HostDuration.microseconds(1500) : .microseconds(1000)
    self.lookahead = rate.frames(in: span).value
    let map = Self.groups(layout, link)
    groups = (map.max() ?? 0) + 1
    groupOf = .allocate(capacity: channels)
    groupOf.initialize(from: map, count: channels)
    envelopes = .allocate(capacity: groups)
    for group in 0..<groups { (envelopes + group).initialize(to: LimiterEnvelope(lookahead: self.lookahead)) }
    line = DelayLine(
      channels: channels, past: max(self.lookahead + IntervalPeak.delay, IntervalPeak.taps), chunk: Self.chunk)
    before = .allocate(capacity: channels)
    before.initialize(repeating: 0, count: channels)
    perCeiling = .allocate(capacity: channels)
    perCeiling.initialize(repeating: 1, count: channels)
    peaks = .allocate(capacity: Self.chunk + Self.slack)
    peaks.initialize(repeating: 0, count: Self.chunk + Self.slack)
    gains = .allocate(capacity: groups * (Self.chunk + Self.slack))
    gains.initialize(repeating: 1, count: groups * (Self.chunk + Self.slack))
    timing = LimiterTiming(hold: 1, release: 1, slowRelease: 1, long: max(rate.hertz / 5, 1), steepest: 1.0052)
    apply(Settings())
  }

  deinit {
    envelopes.deinitialize(count: groups)
    envelopes.deallocate()
    groupOf.deallocate()
    before.deallocate()
    perCeiling.deallocate()
    peaks.deallocate()
    gains.deallocate()
  }

  private static func groups(_ layout: ChannelLayout, _ link: Link) -> [Int] {
    guard link != .all else { return Array(repeating: 0, count: layout.count) }
    let pairs: [[ChannelLabel]] = [[.frontLeft, .frontRight], [.rearLeft, .rearRight], [.sideLeft, .sideRight]]
    var map: [Int] = []
    var next = 0
    for (index, label) in layout.labels.enumerated() {
      let pair = link == .pairs ? pairs.first { $0.contains(label) } : nil
      if let pair, let other = layout.labels[..<index].firstIndex(where: { pair.contains($0) }) {
        map.append(map[other])
      } else {
        map.append(next)
        next += 1
      }
    }
    return map
  }

  /// Frames by which the output is later than the input.
  public var latency: FrameCount { FrameCount(lookahead + IntervalPeak.delay) }

  /// Settings out of range count as the nearest in range. Thread: render.
  @_noLocks public mutating func apply(_ settings: Settings) {
    let frames = Double(rate.hertz) / 1e9
    let hold = DynamicsBlock.bounded(Double(settings.hold.nanoseconds), 0, 1e9)
    let release = DynamicsBlock.bounded(Double(settings.release.nanoseconds), 5e6, 5e9)
    let slow = DynamicsBlock.bounded(Double(settings.slowRelease.nanoseconds), release, 5e9)
    timing.hold = 1 &+ Int(hold * frames)
    timing.release = release * frames
    timing.slowRelease = slow * frames
    let whole = DynamicsBlock.bounded(settings.ceiling, -60, 0) - DynamicsBlock.bounded(settings.margin, 0, 3)
    for channel in 0..<channels {
      let ceiling = whole - DynamicsBlock.bounded(settings.trims[channel & 7], 0, 60)
      perCeiling[channel] = Float(renderExp2(-ceiling * (1 / 6.020599913279624)))
    }
  }

  /// The lowest gain since the last call. Thread: render.
  @_noLocks public mutating func takeLowestGain() -> Float {
    let taken = lowest
    lowest = 1
    return taken
  }

  /// Forgets the sound so far, not the settings. Thread: render.
  @_noLocks public mutating func reset() {
    line.reset()
    for channel in 0..<channels { before[channel] = 0 }
    for group in 0..<groups { (envelopes + group).pointee.reset() }
    lowest = 1
  }

  /// Limits `frames` frames of each channel in place. Thread: render.
  @_noLocks public mutating func process(_ planes: UnsafePointer<UnsafeMutablePointer<Float>>, frames: Int) {
    var done = 0
    while done < frames {
      let count = frames &- done < Self.chunk ? frames &- done : Self.chunk
      process(planes, from: done, count)
      done &+= count
    }
  }

  @_noLocks
  private mutating func process(_ planes: UnsafePointer<UnsafeMutablePointer<Float>>, from: Int, _ frames: Int) {
    line.makeRoom(for: frames)
    let stride = Self.chunk &+ Self.slack
    for index in 0..<groups &* stride { gains[index] = 0 }
    for channel in 0..<channels {
      let new = line.end(of: channel)
      DynamicsBlock.admit(planes[channel] + from, into: new, frames: frames)
      detector.measure(new - (IntervalPeak.taps &- 1), into: peaks, frames: frames)
      before[channel] = LimiterBlock.gather(
        peaks, before: before[channel], samples: new - IntervalPeak.delay, scale: perCeiling[channel],
        into: gains + groupOf[channel] &* stride, frames: frames)
    }
    for group in 0..<groups {
      let gains = gains + group &* stride
      if LimiterBlock.require(gains, frames: frames) || !(envelopes + group).pointee.rest(frames) {
        let envelope = envelopes + group
        envelope.pointee.process(gains, frames: frames, timing)
      }
    }
    for channel in 0..<channels {
      let late = line.end(of: channel) - (lookahead &+ IntervalPeak.delay)
      let least = LimiterBlock.amplify(
        late, by: gains + groupOf[channel] &* stride, into: planes[channel] + from, frames: frames)
      lowest = least < lowest ? least : lowest
    }
    line.advance(frames)
  }
}
