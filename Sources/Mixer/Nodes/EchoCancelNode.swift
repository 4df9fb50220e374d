import AudioCore

/// A voice without what its owner hears.
enum EchoCancelNode: NodeKind {
  static let kind = "echo_cancel"
  static let summary = "Takes what loudspeakers play, the side chain, out of what a microphone hears."
  static let settings: [SettingSpec] = [
    .layout(initial: "mono"),
    .layout("key", "channels of the side chain; their sum counts", initial: "mono"),
  ]
  static let parameters: [ParameterSpec] = [
    .toggle("enabled", "off leaves sound as it is", initial: true, smoothing: .zero),
    .kernel(
      "suppress", "the most by which what is left of an echo is turned down", unit: .decibels, range: 0...60,
      initial: 20),
    .toggle(
      "comfort", "noise like the room's where the room has been turned down with an echo", smoothing: .zero),
  ]
  static let readings = [
    ReadingSpec("enhancement", "by how much the far end has become softer in the first channel", unit: .decibels),
    ReadingSpec("delay", "from the side chain to its echo; 0 while it is not known", unit: .milliseconds),
  ]

  static func shape(_ settings: Settings) -> NodeShape {
    .effect(settings.layout(), sideChain: settings.layout("key"))
  }

  static func memory(_ settings: Settings, _ rate: SampleRate) -> Int {
    EchoCanceller.memory(rate, channels: settings.layout().count)
  }

  static func makeProcessor(_ context: NodeContext) -> Processor {
    let kernel = EchoCanceller(
      format: StreamFormat(rate: context.rate, layout: context.settings.layout()),
      farChannels: context.shape.inputs[1].layout.count)
    let latency = kernel.latency
    return EchoCancelProcessor(context, latency: latency, EchoCancelState(context, kernel))
  }
}

struct EchoCancelState: ~Copyable {
  private var kernel: EchoCanceller
  private var wanted = EchoCanceller.Settings()
  /// What the kernel was told last, as the parameters have it.
  private var applied = SIMD3<Float>(repeating: .nan)
  private let enabled: LiveParameter
  private let suppress: LiveParameter
  private let comfort: LiveParameter
  private let readings: UnsafeMutablePointer<ParameterCell>

  init(_ context: NodeContext, _ kernel: consuming EchoCanceller) {
    self.kernel = kernel
    enabled = context.parameters.live("enabled")
    suppress = context.parameters.live("suppress")
    comfort = context.parameters.live("comfort")
    readings = context.readings.cells
    readings[0].set(1)
    adopt()
    self.kernel.reset()
  }

  @_noLocks
  private mutating func adopt() {
    let latest = SIMD3<Float>(enabled.latest, suppress.latest, comfort.latest)
    guard latest != applied else { return }
    applied = latest
    wanted.isEnabled = latest[0] > 0.5
    wanted.suppression = Decibels(Double(latest[1]))
    wanted.comfort = latest[2] > 0.5
    kernel.aim(wanted)
  }

  /// Thread: render.
  @_noLocks
  mutating func render(_ block: NodeBlock) {
    adopt()
    kernel.process(block.carry().channels, far: block.input(1).channels, frames: block.frames)
    let gain = kernel.currentGain
    readings[0].set(1 / (gain > 1e-5 ? gain : 1e-5))
    readings[1].set(kernel.delayMilliseconds)
  }
}

private final class EchoCancelProcessor: StateProcessor<EchoCancelState>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: EchoCancelState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let echoCancelNodeRecord: NodeRecord = (1, { exportNode(EchoCancelNode.self) })
