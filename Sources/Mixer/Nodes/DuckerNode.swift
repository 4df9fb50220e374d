import AudioCore

/// Makes room for a voice.
enum DuckerNode: NodeKind {
  static let kind = "ducker"
  static let summary = "Lowers sound while the side chain is loud enough."
  static let settings: [SettingSpec] = [
    .layout(),
    .detector,
    .lookahead,
    .key,
  ]
  static let parameters: [ParameterSpec] = [
    .kernel("depth", "how much lower", unit: .decibels, range: 0...60, initial: 12),
    .kernel("threshold", "of the side chain", unit: .decibelsFullScale, range: -80...0, initial: -40),
    .kernel("attack", "for going down", unit: .milliseconds, range: 5...500, initial: 20),
    .kernel("hold", "down after the last that was loud enough", unit: .milliseconds, range: 0...2000, initial: 250),
    .kernel("release", "for coming back", unit: .milliseconds, range: 50...5000, initial: 500),
    .kernel("lowest", "only sound from here is lowered; 0 for all", unit: .hertz, range: 0...5000, initial: 0),
    .kernel("highest", "only sound up to here is lowered; 0 for all", unit: .hertz, range: 0...20000, initial: 0),
    .kernel("key_high_pass", "only what is above it counts; 0 for all", unit: .hertz, range: 0...2000, initial: 100),
    .kernel("key_low_pass", "only what is below it counts; 0 for all", unit: .hertz, range: 0...20000, initial: 0),
  ]

  static func shape(_ settings: Settings) -> NodeShape { .effect(settings.layout(), sideChain: settings.layout("key")) }

  static func makeProcessor(_ context: NodeContext) -> Processor {
    let settings = context.settings
    let kernel = Ducker(
      rate: context.rate, channels: settings.layout().count,
      keyChannels: context.shape.inputs[1].layout.count,
      detector: settings.detector, lookahead: settings.lookahead)
    let latency = kernel.latency
    return DuckerProcessor(context, latency: latency, DuckerState(context, kernel))
  }
}

struct DuckerState: ~Copyable {
  private var kernel: Ducker
  private var wanted = Ducker.Settings()
  /// What the kernel was told last, as the parameters have it.
  private var applied = SIMD16<Float>(repeating: .nan)
  private let depth: LiveParameter
  private let threshold: LiveParameter
  private let attack: LiveParameter
  private let hold: LiveParameter
  private let release: LiveParameter
  private let lowest: LiveParameter
  private let highest: LiveParameter
  private let keyHighPass: LiveParameter
  private let keyLowPass: LiveParameter

  init(_ context: NodeContext, _ kernel: consuming Ducker) {
    let parameters = context.parameters
    self.kernel = kernel
    depth = parameters.live("depth")
    threshold = parameters.live("threshold")
    attack = parameters.live("attack")
    hold = parameters.live("hold")
    release = parameters.live("release")
    lowest = parameters.live("lowest")
    highest = parameters.live("highest")
    keyHighPass = parameters.live("key_high_pass")
    keyLowPass = parameters.live("key_low_pass")
    adopt()
    self.kernel.reset()
  }

  @_noLocks
  private mutating func adopt() {
    var latest = SIMD16<Float>(repeating: 0)
    latest[0] = depth.latest
    latest[1] = threshold.latest
    latest[2] = attack.latest
    latest[3] = hold.latest
    latest[4] = release.latest
    latest[5] = lowest.latest
    latest[6] = highest.latest
    latest[7] = keyHighPass.latest
    latest[8] = keyLowPass.latest
    guard latest != applied else { return }
    applied = latest
    wanted.depth = Double(depth.latest)
    wanted.threshold = Double(threshold.latest)
    wanted.attack = .parameter(attack.latest)
    wanted.hold = .parameter(hold.latest)
    wanted.release = .parameter(release.latest)
    wanted.lowest = Double(lowest.latest)
    wanted.highest = Double(highest.latest)
    wanted.keyHighPass = Double(keyHighPass.latest)
    wanted.keyLowPass = Double(keyLowPass.latest)
    kernel.apply(wanted)
  }

  /// Thread: render.
  @_noLocks
  mutating func render(_ block: NodeBlock) {
    adopt()
    let planes = block.carry()
    _ = kernel.process(planes.channels, key: block.input(1).channels, frames: block.frames)
  }
}

private final class DuckerProcessor: StateProcessor<DuckerState>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: DuckerState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let duckerNodeRecord: NodeRecord = (1, { exportNode(DuckerNode.self) })
