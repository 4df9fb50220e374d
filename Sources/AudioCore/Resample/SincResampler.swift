/// Changes the rate of a stream by any ratio that may move while it runs.
///
/// Every output frame is a weighted sum of the input frames around its place. While nothing is corrected places repeat, and
/// each has its weights ready; otherwise they come from a table of sub-filters and a cubic between them. What comes out
/// depends only on what was fed and at which frame the ratio was changed, not on how either was cut into calls.
///
/// Nothing but making and dropping it allocates, so it runs in render code as well as in a worker.
/// Thread: any one at a time.
public struct SincResampler: ~Copyable, @unchecked Sendable {
  public let channels: Int
  /// Input frames per output frame when nothing is corrected.
  public let nominalRatio: Double
  private let taps: Int
  private let phases = Double(SincDesign.phases)
  /// Weights for any place; nil where the ratio never moves.
  private let table: UnsafeMutablePointer<SIMD8<Float>>?
  /// Weights for each place that the nominal ratio comes to; nil where there are too many.
  private let exact: UnsafeMutablePointer<SIMD8<Float>>?
  private let places: Int
  private let steps: Int
  /// The weights of the output frame at hand.
  private let weights: UnsafeMutablePointer<SIMD8<Float>>
  /// Input not yet done with, one channel after the other.
  private let history: UnsafeMutablePointer<Float>
  private let room: Int
  /// Where the next output frame's first tap lies in the history. It may lie behind its end.
  private var first = 0
  private var filled = 0
  /// How far behind an input frame the next output frame lies: 0 to 1. While `isExact` it is counted in places.
  private var fraction = 0.0
  private var placed = 0
  /// The ratio has not been corrected since the beginning.
  private var isExact: Bool
  private var ratio: Double
  private var targetRatio: Double
  private var slope = 0.0
  private var slewing = 0

  /// `chunk` is the most input frames that are taken between two calls of `produce`. One that `isFixed` is never corrected,
  /// and made faster.
  public init(
    quality: ResamplerQuality, from: SampleRate, to: SampleRate, channels: Int, chunk: FrameCount = FrameCount(8192),
    isFixed: Bool = false
  ) {
    precondition(from.hertz > 0 && to.hertz > 0 && (1...ChannelLayout.limit).contains(channels) && chunk.value > 0)
    let design = SincDesign(quality: quality, from: from, to: to)
    self.channels = channels
    taps = design.taps
    nominalRatio = Double(from.hertz) / Double(to.hertz)
    ratio = nominalRatio
    targetRatio = nominalRatio
    places = design.places
    steps = design.steps
    isExact = design.hasExactRows
    exact = isExact ? Self.rows(places, taps) { design.fillExact($0) } : nil
    table = isFixed && isExact ? nil : Self.rows(SincDesign.rows, taps) { design.fill($0) }
    weights = .allocate(capacity: taps / 8)
    weights.initialize(repeating: SIMD8(repeating: 0), count: taps / 8)
    room = taps + 2 * chunk.value + 64
    history = .allocate(capacity: room * channels)
    history.initialize(repeating: 0, count: room * channels)
    filled = taps / 2 - 1
  }

  private static func rows(
    _ count: Int, _ taps: Int, _ fill: (UnsafeMutablePointer<Float>) -> Void
  ) -> UnsafeMutablePointer<SIMD8<Float>> {
    let rows = UnsafeMutablePointer<SIMD8<Float>>.allocate(capacity: count * taps / 8)
    rows.initialize(repeating: SIMD8(repeating: 0), count: count * taps / 8)
    rows.withMemoryRebound(to: Float.self, capacity: count * taps) { fill($0) }
    return rows
  }

  deinit {
    table?.deallocate()
    exact?.deallocate()
    weights.deallocate()
    history.deallocate()
  }

  /// Input frames that must have been fed after a frame before it comes out.
  public var latency: FrameCount { FrameCount(taps / 2) }

  /// Input frames per output frame, now.
  public var currentRatio: Double { @_noLocks get { ratio } }

  /// Input frames that were fed and that the next output frame has not left behind: between two calls the filter's length,
  /// give or take a frame.
  public var held: Double { @_noLocks get { Double(filled &- first) - rest } }

  private var rest: Double { @_noLocks get { isExact ? Double(placed) / Double(places) : fraction } }

  /// Forgets what was fed, not the ratio.
  @_noLocks public mutating func reset() {
    first = 0
    fraction = 0
    placed = 0
    isExact = exact != nil && slewing == 0 && ratio == nominalRatio
    filled = taps / 2 - 1
    var channel = 0
    while channel < channels {
      renderZero(history + channel &* room, floats: filled)
      channel += 1
    }
  }

  /// Corrects the ratio by so many parts per million: positive uses up input faster. It moves there evenly over `frames`
  /// output frames. Not for one that is fixed.
  @_noLocks public mutating func correct(ppm: Double, over frames: Int) {
    precondition(table != nil)
    targetRatio = nominalRatio * (1 + ppm * 1e-6)
    if isExact && targetRatio != nominalRatio {
      fraction = rest
      isExact = false
    }
    guard frames > 1 else {
      ratio = targetRatio
      slewing = 0
      return
    }
    slope = (targetRatio - ratio) / Double(frames)
    slewing = isExact ? 0 : frames
  }

  /// Input frames to feed so that `produce` makes `frames` of them, one more at times.
  @_noLocks public func needed(for frames: Int) -> Int {
    guard frames > 0 else { return 0 }
    // Where the ratio moves it is bounded by its ends. The frame more covers rounding, and is there the next time.
    let steepest = targetRatio > ratio ? targetRatio : ratio
    let last = first &+ Int(rest + Double(frames &- 1) * steepest) &+ taps
    let missing = last &- filled &+ 1
    return missing > 0 ? missing : 0
  }

  /// Takes input: frame `n` of channel `c` is at `samples[c * channelStride + n * stride]`. Returns how many frames it
  /// took: all, unless `produce` was not called for too long.
  @_noLocks public mutating func feed(
    _ samples: UnsafePointer<Float>, frames: Int, stride: Int, channelStride: Int
  ) -> Int {
    if room &- filled < frames { compact() }
    let taken = room &- filled < frames ? room &- filled : frames
    var channel = 0
    while channel < channels {
      let from = samples + channel &* channelStride
      let into = history + (channel &* room &+ filled)
      if stride == 1 {
        renderCopy(into, from: from, floats: taken)
      } else {
        for frame in 0..<taken { into[frame] = from[frame &* stride] }
      }
      channel += 1
    }
    filled &+= taken
    return taken
  }

  /// Makes at most `limit` output frames of what was fed, laid out as for `feed`. Returns how many.
  @_noLocks public mutating func produce(
    into samples: UnsafeMutablePointer<Float>, limit: Int, stride: Int, channelStride: Int
  ) -> Int {
    if isExact, let exact {
      return produce(exact, samples, limit: limit, stride: stride, channelStride: channelStride)
    }
    guard let table else { return 0 }
    // In variables of its own: what goes through memory waits for it.
    var (made, first, fraction, ratio, slewing) = (0, first, fraction, ratio, slewing)
    let (vectors, last) = (taps / 8, filled &- taps)
    while made < limit && first <= last {
      SincKernel.weigh(table, place: fraction * phases, vectors: vectors, into: weights)
      var channel = 0
      while channel < channels {
        samples[channel &* channelStride &+ made &* stride] =
          SincKernel.sum(weights, history + (channel &* room &+ first), vectors: vectors)
        channel += 1
      }
      if slewing > 0 {
        slewing &-= 1
        ratio = slewing == 0 ? targetRatio : ratio + slope
      }
      fraction += ratio
      let whole = Int(fraction)
      first &+= whole
      fraction -= Double(whole)
      made += 1
    }
    (self.first, self.fraction, self.ratio, self.slewing) = (first, fraction, ratio, slewing)
    return made
  }

  /// The same at the nominal ratio.
  @_noLocks private mutating func produce(
    _ exact: UnsafePointer<SIMD8<Float>>, _ samples: UnsafeMutablePointer<Float>, limit: Int, stride: Int,
    channelStride: Int
  ) -> Int {
    var (made, first, placed) = (0, first, placed)
    let (vectors, last) = (taps / 8, filled &- taps)
    let (whole, part) = (steps / places, steps % places)
    while made < limit && first <= last {
      let row = exact + placed &* vectors
      var channel = 0
      while channel < channels {
        samples[channel &* channelStride &+ made &* stride] =
          SincKernel.sum(row, history + (channel &* room &+ first), vectors: vectors)
        channel += 1
      }
      first &+= whole
      placed &+= part
      if placed >= places {
        placed &-= places
        first &+= 1
      }
      made += 1
    }
    (self.first, self.placed) = (first, placed)
    return made
  }

  /// Moves what is still needed to the front of the history.
  @_noLocks private mutating func compact() {
    let gone = first < filled ? first : filled
    guard gone > 0 else { return }
    let kept = filled &- gone
    var channel = 0
    while channel < channels {
      let plane = history + channel &* room
      for frame in 0..<kept { plane[frame] = plane[frame &+ gone] }
      channel += 1
    }
    first &-= gone
    filled = kept
  }
}
