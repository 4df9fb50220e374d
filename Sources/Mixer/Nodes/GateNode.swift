import AudioCore

/// Silence, or nearly, while nothing is loud enough.
enum GateNode: NodeKind {
  static let kind = "gate"
  static let summary = "Opens for what is above a threshold and closes when it has been below for a while."
  static let settings: [SettingSpec] = [
    .layout(),
    .detector,
    .lookahead,
    .sideChain,
  ]
  static let parameters: [ParameterSpec] = [
    .kernel("threshold", "what opens it", unit: .decibelsFullScale, range: -100...0, initial: -50),
    .kernel("hysteresis", "so far below, it closes", unit: .decibels, range: 0...12, initial: 4),
    .kernel("attack", "for opening", unit: .milliseconds, range: 0.1...50, initial: 1),
    .kernel("hold", "open after the last that opened it", unit: .milliseconds, range: 0...2000, initial: 100),
    .kernel("release", "for closing", unit: .milliseconds, range: 5...2000, initial: 150),
    .kernel("range", "how much softer when closed", unit: .decibels, range: 0...100, initial: 60),
    .kernel(
      "side_chain_high_pass", "only what is above it counts; 0 for all", unit: .hertz, range: 0...2000, initial: 0),
    .kernel(
      "side_chain_low_pass", "only what is below it counts; 0 for all", unit: .hertz, range: 0...20000, initial: 0),
  ]

  static func shape(_ settings: Settings) -> NodeShape { .effect(settings.layout(), sideChain: settings.sideChain) }

  static func makeProcessor(_ context: NodeContext) -> Processor {
    let settings = context.settings
    let kernel = Gate(
      rate: context.rate, channels: settings.layout().count,
      keyChannels: context.shape.inputs.count > 1 ? context.shape.inputs[1].layout.count : 0,
      detector: settings.detector, lookahead: settings.lookahead)
    let latency = kernel.latency
    return GateProcessor(context, latency: latency, GateState(context, kernel))
  }
}

struct GateState: ~Copyable {
  private var kernel: Gate
  private var wanted = Gate.Settings()
  /// What the kernel was told last, as the parameters have it.
  private var applied = SIMD16<Float>(repeating: .nan)
  private let threshold: LiveParameter
  private let hysteresis: LiveParameter
  private let attack: LiveParameter
  private let hold: LiveParameter
  private let release: LiveParameter
  private let range: LiveParameter
  private let sideChainHighPass: LiveParameter
  private let sideChainLowPass: LiveParameter

  init(_ context: NodeContext, _ kernel: consuming Gate) {
    let parameters = context.parameters
    self.kernel = kernel
    threshold = parameters.live("threshold")
    hysteresis = parameters.live("hysteresis")
    attack = parameters.live("attack")
    hold = parameters.live("hold")
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
    latest[1] = hysteresis.latest
    latest[2] = attack.latest
    latest[3] = hold.latest
    latest[4] = release.latest
    latest[5] = range.latest
    latest[6] = sideChainHighPass.latest
    latest[7] = sideChainLowPass.latest
    guard latest != applied else { return }
    applied = latest
    wanted.threshold = Double(threshold.latest)
    wanted.hysteresis = Double(hysteresis.latest)
    wanted.attack = .parameter(attack.latest)
    wanted.hold = .parameter(hold.latest)
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

private final class GateProcessor: StateProcessor<GateState>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: GateState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let gateNodeRecord: NodeRecord = (1, { exportNode(GateNode.self) })
