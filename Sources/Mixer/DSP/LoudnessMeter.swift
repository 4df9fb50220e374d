public import AudioCore

/// Loudness as ITU-R BS.1770 and EBU R 128 define it, loudness range (EBU Tech 3342) and true peak.
///
/// Windows move in steps of 10 ms; gating blocks of 400 ms and windows for the range are taken every 100 ms. Memory does
/// not grow. What is no number, or louder than 120 dB above full scale, counts as silence.
///
/// The reading depends on how many frames came, never on how they were cut into blocks. For that, peaks are looked for in
/// batches of 128 frames; the last, begun one counts once it is full or at `finish`.
///
/// Thread: render, but for its life.
public struct LoudnessMeter: ~Copyable, @unchecked Sendable {
  public struct Settings: Hashable, Sendable {
    public var truePeak: TruePeakQuality
    /// A single channel is played by two speakers, so it is 3 dB louder than one of them.
    public var dualMono: Bool

    public init(truePeak: TruePeakQuality = .sharp, dualMono: Bool = false) {
      self.truePeak = truePeak
      self.dualMono = dualMono
    }
  }

  public let format: StreamFormat
  private let channels: Int
  private let truePeak: TruePeakEstimate
  private var pairs: KWeightedChannels
  /// For each channel the history that the peak search needs, then a batch.
  private let stage: UnsafeMutablePointer<Float>
  private static var stride: Int { @_noLocks get { TruePeakEstimate.history + TruePeakEstimate.batch } }
  private var staged = 0

  /// Sums of weighted squares of the last three seconds, 10 ms each.
  private let steps: UnsafeMutablePointer<SIMD4<Double>>
  private static var window: Int { @_noLocks get { 300 } }
  private static var short: Int { @_noLocks get { 40 } }
  /// Steps that ended, and frames up to where the next one ends.
  private var ended = 0
  private var untilEnd: Int
  private var total = 0
  private var gated = LoudnessHistogram()
  private var ranged = LoudnessHistogram()

  private var last = LoudnessReading()
  private var isStale = false
  /// Since it was last taken.
  private var recentTruePeak: Float = 0

  /// Thread: control.
  public init(format: StreamFormat, settings: Settings = Settings()) {
    precondition((8000...768_000).contains(format.rate.hertz))
    self.format = format
    channels = format.layout.count
    truePeak = TruePeakEstimate(quality: settings.truePeak, rate: format.rate)
    pairs = KWeightedChannels(format: format, dualMono: settings.dualMono)
    stage = .allocate(capacity: channels * Self.stride)
    stage.initialize(repeating: 0, count: channels * Self.stride)
    steps = .allocate(capacity: Self.window / 4)
    steps.initialize(repeating: SIMD4(repeating: 0), count: Self.window / 4)
    untilEnd = Self.end(of: 0, format.rate)
  }

  deinit {
    stage.deallocate()
    steps.deallocate()
  }

  /// Where a step ends, so that steps do not drift where 10 ms are no whole number of frames.
  @_noLocks
  private static func end(of step: Int, _ rate: SampleRate) -> Int { (step &+ 1) &* rate.hertz / 100 }

  /// Begins anew.
  @_noLocks
  public mutating func reset() {
    pairs.reset()
    for index in 0..<channels &* Self.stride { stage[index] = 0 }
    for index in 0..<Self.window / 4 { steps[index] = SIMD4(repeating: 0) }
    (staged, ended, total) = (0, 0, 0)
    untilEnd = Self.end(of: 0, format.rate)
    gated.reset()
    ranged.reset()
    last = LoudnessReading()
    isStale = false
    recentTruePeak = 0
  }

  /// Listens; changes nothing.
  @_noLocks
  public mutating func process(_ planes: UnsafePointer<UnsafeMutablePointer<Float>>, frames: Int) {
    var done = 0
    while done < frames {
      var count = frames &- done
      if count > TruePeakEstimate.batch &- staged { count = TruePeakEstimate.batch &- staged }
      if count > untilEnd { count = untilEnd }
      for channel in 0..<channels {
        let into = stage + (channel &* Self.stride &+ TruePeakEstimate.history &+ staged)
        Sanitised.copy(planes[channel] + done, into: into, frames: count)
      }
      pairs.process(stage + (TruePeakEstimate.history &+ staged), stride: Self.stride, frames: count)
      staged &+= count
      untilEnd &-= count
      total &+= count
      done &+= count
      if staged == TruePeakEstimate.batch { findPeaks() }
      if untilEnd == 0 { endStep() }
    }
  }

  /// Looks at the end of the last batch as if silence followed. For the end of a file.
  @_noLocks
  public mutating func finish() {
    for _ in 0..<2 {
      for channel in 0..<channels {
        let plane = stage + (channel &* Self.stride &+ TruePeakEstimate.history)
        for frame in staged..<TruePeakEstimate.batch { plane[frame] = 0 }
      }
      findPeaks()
    }
  }

  /// What is known by now.
  @_noLocks
  public mutating func reading() -> LoudnessReading {
    last.seconds = Double(total) / Double(format.rate.hertz)
    if isStale {
      isStale = false
      last.integratedPower = gated.mean(above: 0.1)
      (last.rangeLowPower, last.rangeHighPower) = ranged.range(above: 0.01)
    }
    return last
  }

  /// The highest true peak of all channels since this was last asked.
  @_noLocks
  public mutating func takeTruePeak() -> Float {
    defer { recentTruePeak = 0 }
    return recentTruePeak
  }

  @_noLocks
  private mutating func findPeaks() {
    for channel in 0..<channels {
      let plane = stage + channel &* Self.stride
      let batch = plane + TruePeakEstimate.history
      let sample = Sanitised.peak(plane, frames: Self.stride)
      let own = Sanitised.peak(batch, frames: TruePeakEstimate.batch)
      if own > last.samplePeakAmplitude { last.samplePeakAmplitude = own }
      if own > recentTruePeak { recentTruePeak = own }
      // Nothing between these samples can exceed what was found already.
      if sample * truePeak.bound > recentTruePeak {
        let between = truePeak.peak(plane)
        if between > recentTruePeak { recentTruePeak = between }
      }
      renderCopy(plane, from: plane + TruePeakEstimate.batch, floats: TruePeakEstimate.history)
    }
    if recentTruePeak > last.truePeakAmplitude { last.truePeakAmplitude = recentTruePeak }
    staged = 0
  }

  @_noLocks
  private mutating func endStep() {
    let place = ended % Self.window
    let group = steps + place / 4
    var powers = group.pointee
    powers[place % 4] = pairs.takePower()
    group.pointee = powers
    ended &+= 1
    untilEnd = Self.end(of: ended, format.rate) &- total

    var sums = SIMD4<Double>(repeating: 0)
    for index in 0..<Self.window / 4 { sums += steps[index] }
    last.shortTermPower = sums.sum() / frames(ofLast: Self.window)
    var sum = 0.0
    for back in 0..<(ended < Self.short ? ended : Self.short) {
      let place = (ended &- 1 &- back) % Self.window
      sum += steps[place / 4][place % 4]
    }
    last.momentaryPower = sum / frames(ofLast: Self.short)

    guard ended >= Self.short else { return }
    if last.momentaryPower > last.highestMomentaryPower { last.highestMomentaryPower = last.momentaryPower }
    let isBlock = ended % 10 == 0
    if isBlock {
      gated.add(last.momentaryPower)
      isStale = true
    }
    guard ended >= Self.window else { return }
    if last.shortTermPower > last.highestShortTermPower { last.highestShortTermPower = last.shortTermPower }
    if isBlock { ranged.add(last.shortTermPower) }
  }

  /// Frames of the last so many steps, or of all there were.
  @_noLocks
  private func frames(ofLast count: Int) -> Double {
    Double(total &- (ended > count ? Self.end(of: ended &- count &- 1, format.rate) : 0))
  }
}
