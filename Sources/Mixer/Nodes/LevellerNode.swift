import AudioCore

/// Brings programmes to one loudness.
enum LevellerNode: NodeKind {
  static let kind = "leveller"
  static let summary = "Brings programmes to one loudness, slowly, and leaves pauses as they are."
  static let settings: [SettingSpec] = [.layout()]
  static let parameters: [ParameterSpec] = [
    .toggle("enabled", "off leaves sound as it is", initial: true, smoothing: .zero),
    .kernel("target", "the loudness", unit: .loudness, range: -40...(-5), initial: -18),
    .kernel("most_boost", "the greatest gain", unit: .decibels, range: 0...40, initial: 12),
    .kernel("most_cut", "the greatest reduction", unit: .decibels, range: 0...40, initial: 20),
    .kernel("rise", "how fast the gain may rise, in dB a second", unit: .none, range: 0.1...30, initial: 3),
    .kernel("fall", "how fast it may fall, in dB a second", unit: .none, range: 0.1...60, initial: 10),
    .kernel("gate", "what is softer is a pause", unit: .loudness, range: -90...(-20), initial: -60),
    .kernel("window", "how much sound is judged", unit: .seconds, range: 0.4...10, initial: 3),
  ]
  static let readings = [ReadingSpec("gain", "the gain now", unit: .decibels, isLogarithm: true)]

  static func shape(_ settings: Settings) -> NodeShape { .effect(settings.layout()) }

  static func makeProcessor(_ context: NodeContext) -> Processor {
    LevellerProcessor(context, LevellerState(context))
  }
}

struct LevellerState: ~Copyable {
  private var leveller: Leveller
  private var wanted = LevellerSettings()
  /// What the leveller was told last, as the parameters have it.
  private var applied = SIMD8<Float>(repeating: .nan)
  private let enabled: LiveParameter
  private let target: LiveParameter
  private let mostBoost: LiveParameter
  private let mostCut: LiveParameter
  private let rise: LiveParameter
  private let fall: LiveParameter
  private let gate: LiveParameter
  private let window: LiveParameter
  private let reading: UnsafeMutablePointer<ParameterCell>

  init(_ context: NodeContext) {
    let parameters = context.parameters
    leveller = Leveller(format: StreamFormat(rate: context.rate, layout: context.settings.layout()))
    enabled = parameters.live("enabled")
    target = parameters.live("target")
    mostBoost = parameters.live("most_boost")
    mostCut = parameters.live("most_cut")
    rise = parameters.live("rise")
    fall = parameters.live("fall")
    gate = parameters.live("gate")
    window = parameters.live("window")
    reading = context.readings.cells
    // Nobody tells it what comes out at the end of a graph.
    wanted.closesTheLoop = false
    adopt()
    leveller.reset()
  }

  @_noLocks
  private mutating func adopt() {
    let latest = SIMD8<Float>(
      enabled.latest, target.latest, mostBoost.latest, mostCut.latest, rise.latest, fall.latest, gate.latest,
      window.latest)
    guard latest != applied else { return }
    applied = latest
    wanted.isEnabled = enabled.latest > 0.5
    wanted.target = Double(target.latest)
    wanted.mostBoost = Decibels(Double(mostBoost.latest))
    wanted.mostCut = Decibels(Double(mostCut.latest))
    wanted.rise = Double(rise.latest)
    wanted.fall = Double(fall.latest)
    wanted.gate = Double(gate.latest)
    wanted.window = Double(window.latest)
    leveller.aim(wanted)
  }

  /// Thread: render.
  @_noLocks
  mutating func render(_ block: NodeBlock) {
    adopt()
    leveller.process(block.carry().channels, frames: block.frames)
    reading.pointee.set(Float(leveller.gain.value))
  }
}

private final class LevellerProcessor: StateProcessor<LevellerState>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: LevellerState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let levellerNodeRecord: NodeRecord = (1, { exportNode(LevellerNode.self) })
