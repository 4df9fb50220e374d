import AudioCore

/// Makes what is soft softer.
enum ExpanderNode: NodeKind {
  static let kind = "expander"
  static let summary = "Lowers what is below a threshold by a ratio."
  static let settings: [SettingSpec] = [
    .layout(),
    .detector,
    .lookahead,
    .sideChain,
  ]
  static let parameters: [ParameterSpec] = [
    .kernel("threshold", "below it sound is lowered", unit: .decibelsFullScale, range: -100...0, initial: -50),
    .kernel("ratio", "decibels out for one in", unit: .ratio, range: 1...20, initial: 2),
    .kernel("knee", "width of the bend at the threshold", unit: .decibels, range: 0...24, initial: 6),
    .kernel("attack", "for 63 % of the way up", unit: .milliseconds, range: 0.1...500, initial: 1),
    .kernel("release", "for 63 % of the way down", unit: .milliseconds, range: 5...5000, initial: 150),
    .kernel("range", "the greatest reduction", unit: .decibels, range: 0...100, initial: 40),
    .kernel(
      "side_chain_high_pass", "only what is above it counts; 0 for all", unit: .hertz, range: 0...2000, initial: 0),
    .kernel(
      "side_chain_low_pass", "only what is below it counts; 0 for all", unit: .hertz, range: 0...20000, initial: 0),
  ]

  static func shape(_ settings: Settings) -> NodeShape { .effect(settings.layout(), sideChain: settings.sideChain) }

  static func makeProcessor(_ context: NodeContext) -> Processor {
    let settings = context.settings
    let kernel = Expander(
      rate: context.rate, channels: settings.layout().count,
      keyChannels: context.shape.inputs.count > 1 ? context.shape.inputs[1].layout.count : 0,
      detector: settings.detector, lookahead: settings.lookahead)
    let latency = kernel.latency
    return ExpanderProcessor(context, latency: latency, ExpanderState(context, kernel))
  }
}

struct ExpanderState: ~Copyable {
  private var kernel: Expander
  private var wanted = Expander.Settings()
  /// What the kernel was told last, as the parameters have it.
  private var applied = SIMD16<Float>(repeating: .nan)
  private let threshold: LiveParameter
  private let ratio: LiveParameter
  private let knee: LiveParameter
  private let attack: LiveParameter
  private let release: LiveParameter
  private let range: LiveParameter
  private let sideChainHighPass: LiveParameter
  private let sideChainLowPass: LiveParameter

  init(_ context: NodeContext, _ kernel: consuming Expander) {
    let parameters = context.parameters
    self.kernel = kernel
    threshold = parameters.live("threshold")
    ratio = parameters.live("ratio")
    knee = parameters.live("knee")
    attack = parameters.live("attack")
    release = parameters.live("release")
    range = parameters.live("range")
    sideChainHighPass = parameters.live("side_chain_high_pass")
    sideChainLowPass = parameters.live("side_chain_low_pass")
    adopt()
    self.kernel.reset()
  }

  @_noLocks
  private mutating func adopt() {
    var latest = SIMD16<Float>(repeating: 0)
    latest[0] = threshold.latest
    latest[1] = ratio.latest
    latest[2] = knee.latest
    latest[3] = attack.latest
    latest[4] = release.latest
    latest[5] = range.latest
    latest[6] = sideChainHighPass.latest
    latest[7] = sideChainLowPass.latest
    guard latest != applied else { return }
    applied = latest
    wanted.threshold = Double(threshold.latest)
    wanted.ratio = Double(ratio.latest)
    wanted.knee = Double(knee.latest)
    wanted.attack = .parameter(attack.latest)
    wanted.release = .parameter(release.latest)
    wanted.range = Double(range.latest)
    wanted.sideChainHighPass = Double(sideChainHighPass.latest)
    wanted.sideChainLowPass = Double(sideChainLowPass.latest)
    kernel.apply(wanted)
  }

  /// Thread: render.
  @_noLocks
  mutating func render(_ block: NodeBlock) {
    adopt()
    let planes = block.carry()
    let key = block.inputCount > 1 && block.input(1).isConnected ? block.input(1).channels : nil
    kernel.process(planes.channels, key: key, frames: block.frames)
  }
}

private final class ExpanderProcessor: StateProcessor<ExpanderState>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: ExpanderState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let expanderNodeRecord: NodeRecord = (1, { exportNode(ExpanderNode.self) })
