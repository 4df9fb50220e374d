import AudioCore

/// Peaks that stand out of their programme, softened before a limiter.
enum SoftCeilingNode: NodeKind {
  static let kind = "soft_ceiling"
  static let summary = "Softens peaks that stand out of the programme's loudness; for in front of a limiter."
  static let settings: [SettingSpec] = [.layout()]
  static let parameters: [ParameterSpec] = [
    .toggle("enabled", "off leaves sound as it is", initial: true, smoothing: .zero),
    .kernel("headroom", "so far above the loudness peaks may be", unit: .decibels, range: 3...30, initial: 14),
    .kernel("ceiling", "where they begin at the latest", unit: .decibelsFullScale, range: -40...0, initial: -6),
    .kernel("attack", "for 63 % of a reduction", unit: .milliseconds, range: 0.1...100, initial: 5),
    .kernel("release", "for 63 % of the way back", unit: .milliseconds, range: 5...2000, initial: 200),
  ]
  static let readings = [
    ReadingSpec("reduction", "the greatest of the last tenth of a second", unit: .decibels, isLogarithm: true)
  ]

  static func shape(_ settings: Settings) -> NodeShape { .effect(settings.layout()) }

  static func makeProcessor(_ context: NodeContext) -> Processor {
    let kernel = SoftCeiling(format: StreamFormat(rate: context.rate, layout: context.settings.layout()))
    let latency = kernel.latency
    return SoftCeilingProcessor(context, latency: latency, SoftCeilingState(context, kernel))
  }
}

struct SoftCeilingState: ~Copyable {
  private var kernel: SoftCeiling
  /// What the kernel was told last, as the parameters have it.
  private var applied = SIMD8<Float>(repeating: .nan)
  private let enabled: LiveParameter
  private let headroom: LiveParameter
  private let ceiling: LiveParameter
  private let attack: LiveParameter
  private let release: LiveParameter
  private var readout: DynamicsReadout

  init(_ context: NodeContext, _ kernel: consuming SoftCeiling) {
    let parameters = context.parameters
    self.kernel = kernel
    enabled = parameters.live("enabled")
    headroom = parameters.live("headroom")
    ceiling = parameters.live("ceiling")
    attack = parameters.live("attack")
    release = parameters.live("release")
    readout = DynamicsReadout(context)
    adopt()
    self.kernel.reset()
  }

  @_noLocks
  private mutating func adopt() {
    let latest = SIMD8<Float>(
      enabled.latest, headroom.latest, ceiling.latest, attack.latest, release.latest, 0, 0, 0)
    guard latest != applied else { return }
    applied = latest
    var settings = SoftCeiling.Settings()
    settings.isEnabled = latest[0] > 0.5
    settings.headroom = Double(latest[1])
    settings.ceiling = Double(latest[2])
    settings.attack = .parameter(latest[3])
    settings.release = .parameter(latest[4])
    kernel.apply(settings)
  }

  /// Thread: render.
  @_noLocks
  mutating func render(_ block: NodeBlock) {
    adopt()
    kernel.process(block.carry().channels, frames: block.frames)
    readout.note(kernel.takeGreatestReduction(), frames: block.frames)
  }
}

private final class SoftCeilingProcessor: StateProcessor<SoftCeilingState>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: SoftCeilingState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let softCeilingNodeRecord: NodeRecord = (1, { exportNode(SoftCeilingNode.self) })
