import AudioCore

/// Softens sharp s sounds.
enum DeEsserNode: NodeKind {
  static let kind = "de_esser"
  static let summary = "Lowers what is above a frequency while that part is too loud."
  static let settings: [SettingSpec] = [
    .layout()
  ]
  static let parameters: [ParameterSpec] = [
    .kernel("frequency", "where sharpness begins", unit: .hertz, range: 2000...12000, initial: 5500),
    .kernel("threshold", "of that part", unit: .decibelsFullScale, range: -80...0, initial: -30),
    .kernel("ratio", "decibels in for one out", unit: .ratio, range: 1...20, initial: 4),
    .kernel("range", "the greatest reduction", unit: .decibels, range: 0...40, initial: 12),
    .kernel("attack", "for going down", unit: .milliseconds, range: 0.1...100, initial: 1),
    .kernel("release", "for coming back", unit: .milliseconds, range: 5...1000, initial: 60),
  ]

  static func shape(_ settings: Settings) -> NodeShape { .effect(settings.layout()) }

  static func makeProcessor(_ context: NodeContext) -> Processor {
    let kernel = DeEsser(rate: context.rate, channels: context.settings.layout().count)
    let latency = kernel.latency
    return DeEsserProcessor(context, latency: latency, DeEsserState(context, kernel))
  }
}

struct DeEsserState: ~Copyable {
  private var kernel: DeEsser
  private var wanted = DeEsser.Settings()
  /// What the kernel was told last, as the parameters have it.
  private var applied = SIMD16<Float>(repeating: .nan)
  private let frequency: LiveParameter
  private let threshold: LiveParameter
  private let ratio: LiveParameter
  private let range: LiveParameter
  private let attack: LiveParameter
  private let release: LiveParameter

  init(_ context: NodeContext, _ kernel: consuming DeEsser) {
    let parameters = context.parameters
    self.kernel = kernel
    frequency = parameters.live("frequency")
    threshold = parameters.live("threshold")
    ratio = parameters.live("ratio")
    range = parameters.live("range")
    attack = parameters.live("attack")
    release = parameters.live("release")
    adopt()
    self.kernel.reset()
  }

  @_noLocks
  private mutating func adopt() {
    var latest = SIMD16<Float>(repeating: 0)
    latest[0] = frequency.latest
    latest[1] = threshold.latest
    latest[2] = ratio.latest
    latest[3] = range.latest
    latest[4] = attack.latest
    latest[5] = release.latest
    guard latest != applied else { return }
    applied = latest
    wanted.frequency = Double(frequency.latest)
    wanted.threshold = Double(threshold.latest)
    wanted.ratio = Double(ratio.latest)
    wanted.range = Double(range.latest)
    wanted.attack = .parameter(attack.latest)
    wanted.release = .parameter(release.latest)
    kernel.apply(wanted)
  }

  /// Thread: render.
  @_noLocks
  mutating func render(_ block: NodeBlock) {
    adopt()
    kernel.process(block.carry().channels, frames: block.frames)
  }
}

private final class DeEsserProcessor: StateProcessor<DeEsserState>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: DeEsserState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let deEsserNodeRecord: NodeRecord = (1, { exportNode(DeEsserNode.self) })
