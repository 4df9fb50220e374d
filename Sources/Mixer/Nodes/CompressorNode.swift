import AudioCore

/// Makes what is loud less loud.
enum CompressorNode: NodeKind {
  static let kind = "compressor"
  static let summary =
    "Lowers what is above a threshold by a ratio; the side chain, if connected, is what it listens to."
  static let settings: [SettingSpec] = [
    .layout(),
    .detector,
    .lookahead,
    .sideChain,
  ]
  static let parameters: [ParameterSpec] = [
    .kernel("threshold", "above it sound is lowered", unit: .decibelsFullScale, range: -80...0, initial: -24),
    .kernel("ratio", "decibels in for one out", unit: .ratio, range: 1...100, initial: 2.5),
    .kernel("knee", "width of the bend at the threshold", unit: .decibels, range: 0...24, initial: 6),
    .kernel("attack", "for 63 % of a reduction", unit: .milliseconds, range: 0.1...500, initial: 10),
    .kernel("release", "for 63 % of the way back", unit: .milliseconds, range: 5...5000, initial: 100),
    .kernel("range", "the greatest reduction", unit: .decibels, range: 0...60, initial: 60),
    .kernel("make_up", "gain behind it", unit: .decibels, range: -24...24, initial: 0),
    .toggle("auto_make_up", "make-up by the mean reduction, added to the above", smoothing: .zero),
    .kernel("mix", "share of the compressed sound", unit: .none, range: 0...1, initial: 1),
    .kernel(
      "side_chain_high_pass", "only what is above it counts; 0 for all", unit: .hertz, range: 0...2000, initial: 0),
    .kernel(
      "side_chain_low_pass", "only what is below it counts; 0 for all", unit: .hertz, range: 0...20000, initial: 0),
  ]
  static let readings = [
    ReadingSpec("reduction", "the greatest of the last tenth of a second", unit: .decibels, isLogarithm: true)
  ]

  static func shape(_ settings: Settings) -> NodeShape { .effect(settings.layout(), sideChain: settings.sideChain) }

  static func makeProcessor(_ context: NodeContext) -> Processor {
    let settings = context.settings
    let kernel = Compressor(
      rate: context.rate, channels: settings.layout().count,
      keyChannels: context.shape.inputs.count > 1 ? context.shape.inputs[1].layout.count : 0,
      detector: settings.detector, lookahead: settings.lookahead)
    let latency = kernel.latency
    return CompressorProcessor(context, latency: latency, CompressorState(context, kernel))
  }
}

struct CompressorState: ~Copyable {
  private var kernel: Compressor
  private var wanted = Compressor.Settings()
  /// What the kernel was told last, as the parameters have it.
  private var applied = SIMD16<Float>(repeating: .nan)
  private let threshold: LiveParameter
  private let ratio: LiveParameter
  private let knee: LiveParameter
  private let attack: LiveParameter
  private let release: LiveParameter
  private let range: LiveParameter
  private let makeUp: LiveParameter
  private let autoMakeUp: LiveParameter
  private let mix: LiveParameter
  private let sideChainHighPass: LiveParameter
  private let sideChainLowPass: LiveParameter
  private var readout: DynamicsReadout

  init(_ context: NodeContext, _ kernel: consuming Compressor) {
    let parameters = context.parameters
    self.kernel = kernel
    threshold = parameters.live("threshold")
    ratio = parameters.live("ratio")
    knee = parameters.live("knee")
    attack = parameters.live("attack")
    release = parameters.live("release")
    range = parameters.live("range")
    makeUp = parameters.live("make_up")
    autoMakeUp = parameters.live("auto_make_up")
    mix = parameters.live("mix")
    sideChainHighPass = parameters.live("side_chain_high_pass")
    sideChainLowPass = parameters.live("side_chain_low_pass")
    readout = DynamicsReadout(context)
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
    latest[6] = makeUp.latest
    latest[7] = autoMakeUp.latest
    latest[8] = mix.latest
    latest[9] = sideChainHighPass.latest
    latest[10] = sideChainLowPass.latest
    guard latest != applied else { return }
    applied = latest
    wanted.threshold = Double(threshold.latest)
    wanted.ratio = Double(ratio.latest)
    wanted.knee = Double(knee.latest)
    wanted.attack = .parameter(attack.latest)
    wanted.release = .parameter(release.latest)
    wanted.range = Double(range.latest)
    wanted.makeUp = Double(makeUp.latest)
    wanted.autoMakeUp = autoMakeUp.latest > 0.5
    wanted.mix = Double(mix.latest)
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
    readout.note(kernel.takeGreatestReduction(), frames: block.frames)
  }
}

private final class CompressorProcessor: StateProcessor<CompressorState>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: CompressorState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let compressorNodeRecord: NodeRecord = (1, { exportNode(CompressorNode.self) })
