import AudioCore

/// The last step before samples become whole numbers.
enum DitherNode: NodeKind {
  static let kind = "dither"
  static let summary = "Rounds to the steps of so many bits with noise, so that what is lost does not follow the sound."
  static let settings: [SettingSpec] = [
    .layout(), SettingSpec("bits", "of what comes after it", .integer(8...24), initial: .integer(16)),
    SettingSpec(
      "shape", "flat, less noise at low frequencies, or none at all", .choice(["flat", "high_pass", "off"]),
      initial: .text("flat")),
    SettingSpec("seed", "another one is other noise", .integer(1...1_000_000), initial: .integer(1)),
  ]

  static func shape(_ settings: Settings) -> NodeShape { .effect(settings.layout()) }

  static func makeProcessor(_ context: NodeContext) -> Processor { DitherProcessor(context, DitherState(context)) }
}

struct DitherState: ~Copyable {
  private var kernel: Dither

  init(_ context: NodeContext) {
    var settings = Dither.Settings()
    settings.bits = context.settings.integer("bits")
    settings.shape = context.settings.text("shape") == "high_pass" ? .highPass : .flat
    settings.noise = context.settings.text("shape") != "off"
    kernel = Dither(
      rate: context.rate, channels: context.settings.layout().count, seed: UInt64(context.settings.integer("seed")))
    kernel.apply(settings)
  }

  /// Thread: render.
  @_noLocks
  mutating func render(_ block: NodeBlock) {
    kernel.process(block.carry().channels, frames: block.frames)
  }
}

private final class DitherProcessor: StateProcessor<DitherState>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: DitherState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let ditherNodeRecord: NodeRecord = (1, { exportNode(DitherNode.self) })
