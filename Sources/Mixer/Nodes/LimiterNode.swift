import AudioCore

/// Nothing louder than the ceiling, between samples too.
enum LimiterNode: NodeKind {
  static let kind = "limiter"
  static let summary = "Keeps true peaks below a ceiling; bit-exact but for its delay while nothing is too loud."
  static let settings: [SettingSpec] = [
    .layout(),
    SettingSpec(
      "lookahead", "standard: 88 frames of delay at 48 kHz; short: 64, and a faster gain",
      .choice(["standard", "short"]), initial: .text("standard")),
    SettingSpec(
      "link", "which channels share a gain: all, pairs of left and right, or none", .choice(["all", "pairs", "none"]),
      initial: .text("all")),
  ]
  static let parameters: [ParameterSpec] = [
    .kernel("ceiling", "the highest true peak", unit: .decibelsFullScale, range: -24...0, initial: -1),
    .kernel(
      "margin", "kept free below the ceiling for what meters read differently", unit: .decibels, range: 0...1,
      initial: 0.1),
    .kernel("hold", "how long a gain stays", unit: .milliseconds, range: 0...200, initial: 25),
    .kernel("release", "back to full gain after a short peak", unit: .milliseconds, range: 5...1000, initial: 60),
    .kernel("slow_release", "and after a long one", unit: .milliseconds, range: 5...3000, initial: 400),
    .kernel(
      "trim", "how far below the ceiling that of one channel lies", unit: .decibels, range: 0...24, initial: 0,
      per: .channel),
  ]
  static let readings = [ReadingSpec("reduction", "the greatest of the last tenth of a second", unit: .decibels)]

  static func shape(_ settings: Settings) -> NodeShape { .effect(settings.layout()) }

  static func makeProcessor(_ context: NodeContext) -> Processor {
    let settings = context.settings
    let kernel = TruePeakLimiter(
      rate: context.rate, layout: settings.layout(),
      lookahead: settings.text("lookahead") == "short" ? .short : .standard,
      link: ["pairs": .pairs, "none": .none][settings.text("link")] ?? .all)
    let latency = kernel.latency
    return LimiterProcessor(context, latency: latency, LimiterState(context, kernel))
  }
}

struct LimiterState: ~Copyable {
  private var kernel: TruePeakLimiter
  private var wanted = TruePeakLimiter.Settings()
  /// What the kernel was told last, as the parameters have it.
  private var applied = SIMD16<Float>(repeating: .nan)
  private let ceiling: LiveParameter
  private let margin: LiveParameter
  private let hold: LiveParameter
  private let release: LiveParameter
  private let slowRelease: LiveParameter
  private let trims: UnsafeMutablePointer<LiveParameter>
  private let channels: Int
  private var readout: DynamicsReadout

  init(_ context: NodeContext, _ kernel: consuming TruePeakLimiter) {
    let parameters = context.parameters
    self.kernel = kernel
    ceiling = parameters.live("ceiling")
    margin = parameters.live("margin")
    hold = parameters.live("hold")
    release = parameters.live("release")
    slowRelease = parameters.live("slow_release")
    channels = self.kernel.channels
    trims = .allocate(capacity: channels)
    for channel in 0..<channels { (trims + channel).initialize(to: parameters.live("trim.\(channel + 1)")) }
    readout = DynamicsReadout(context)
    adopt()
    self.kernel.reset()
  }

  deinit { trims.deallocate() }

  @_noLocks
  private mutating func adopt() {
    var latest = SIMD16<Float>(repeating: 0)
    latest[0] = ceiling.latest
    latest[1] = margin.latest
    latest[2] = hold.latest
    latest[3] = release.latest
    latest[4] = slowRelease.latest
    let trims = trims
    for channel in 0..<channels { latest[5 &+ channel] = trims[channel].latest }
    guard latest != applied else { return }
    applied = latest
    wanted.ceiling = Double(ceiling.latest)
    wanted.margin = Double(margin.latest)
    wanted.hold = .parameter(hold.latest)
    wanted.release = .parameter(release.latest)
    wanted.slowRelease = .parameter(slowRelease.latest)
    for channel in 0..<channels { wanted.trims[channel] = Double(trims[channel].latest) }
    kernel.apply(wanted)
  }

  /// Thread: render.
  @_noLocks
  mutating func render(_ block: NodeBlock) {
    adopt()
    kernel.process(block.carry().channels, frames: block.frames)
    readout.note(1 / kernel.takeLowestGain(), frames: block.frames)
  }
}

private final class LimiterProcessor: StateProcessor<LimiterState>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: LimiterState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let limiterNodeRecord: NodeRecord = (1, { exportNode(LimiterNode.self) })
