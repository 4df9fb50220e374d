import AudioCore

/// A voice without the fan behind it.
enum DenoiseNode: NodeKind {
  static let kind = "denoise"
  static let summary = "Takes steady noise out of voices; 20 ms of delay."
  static let settings: [SettingSpec] = [
    .layout(initial: "mono"),
    SettingSpec(
      "engine", "what does it: native, or speex, that is speexdsp with 16 bits and each channel by itself",
      .choice(["native", "speex"]), initial: .text("native")),
  ]
  static let parameters: [ParameterSpec] = [
    .toggle("enabled", "off leaves sound as it is", initial: true, smoothing: .zero),
    .kernel("strength", "the most by which noise is turned down", unit: .decibels, range: 0...40, initial: 20),
  ]
  static let readings = [
    ReadingSpec("reduction", "the greatest of the last tenth of a second", unit: .decibels)
  ]

  static func shape(_ settings: Settings) -> NodeShape { .effect(settings.layout()) }

  static func makeProcessor(_ context: NodeContext) throws(NodeRefusal) -> Processor {
    let format = StreamFormat(rate: context.rate, layout: context.settings.layout())
    guard context.settings.text("engine") == "speex" else {
      let kernel = NoiseSuppressor(format: format)
      let latency = kernel.latency
      return DenoiseProcessor(context, latency: latency, DenoiseState(context, kernel))
    }
    guard let kernel = SpeexSuppressor(format: format) else {
      throw NodeRefusal(code: "unavailable", message: "speexdsp has no memory for it")
    }
    let latency = kernel.latency
    return DenoiseProcessor(context, latency: latency, DenoiseState(context, kernel))
  }
}

struct DenoiseState: ~Copyable {
  /// One of the two.
  private let native: UnsafeMutablePointer<NoiseSuppressor>?
  private let speex: UnsafeMutablePointer<SpeexSuppressor>?
  private var wanted = NoiseSuppressor.Settings()
  /// What the kernel was told last, as the parameters have it.
  private var applied = SIMD2<Float>(repeating: .nan)
  private let enabled: LiveParameter
  private let strength: LiveParameter
  private var readout: DynamicsReadout

  init(_ context: NodeContext, _ kernel: consuming NoiseSuppressor) {
    native = .allocate(capacity: 1)
    native?.initialize(to: kernel)
    speex = nil
    enabled = context.parameters.live("enabled")
    strength = context.parameters.live("strength")
    readout = DynamicsReadout(context)
    adopt()
    native?.pointee.reset()
  }

  init(_ context: NodeContext, _ kernel: consuming SpeexSuppressor) {
    native = nil
    speex = .allocate(capacity: 1)
    speex?.initialize(to: kernel)
    enabled = context.parameters.live("enabled")
    strength = context.parameters.live("strength")
    readout = DynamicsReadout(context)
    adopt()
    speex?.pointee.reset()
  }

  deinit {
    native?.deinitialize(count: 1)
    native?.deallocate()
    speex?.deinitialize(count: 1)
    speex?.deallocate()
  }

  @_noLocks
  private mutating func adopt() {
    let latest = SIMD2<Float>(enabled.latest, strength.latest)
    guard latest != applied else { return }
    applied = latest
    wanted.isEnabled = latest[0] > 0.5
    wanted.strength = Decibels(Double(latest[1]))
    if let native { native.pointee.aim(wanted) }
    if let speex { speex.pointee.aim(wanted) }
  }

  /// Thread: render.
  @_noLocks
  mutating func render(_ block: NodeBlock) {
    adopt()
    let planes = block.carry().channels
    var gain: Float = 1
    if let native {
      native.pointee.process(planes, frames: block.frames)
      gain = native.pointee.currentGain
    }
    if let speex {
      speex.pointee.process(planes, frames: block.frames)
      gain = speex.pointee.currentGain
    }
    readout.note(1 / (gain > 1e-3 ? gain : 1e-3), frames: block.frames)
  }
}

private final class DenoiseProcessor: StateProcessor<DenoiseState>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: DenoiseState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let denoiseNodeRecord: NodeRecord = (1, { exportNode(DenoiseNode.self) })
