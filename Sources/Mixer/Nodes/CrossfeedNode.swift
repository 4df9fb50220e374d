import AudioCore

/// Headphones with some of a room.
enum CrossfeedNode: NodeKind {
  static let kind = "crossfeed"
  static let summary = "Lets each ear of headphones hear some of the other side, as loudspeakers do."
  static let settings: [SettingSpec] = [.layout()]
  static let parameters: [ParameterSpec] = [
    .toggle("enabled", "off leaves sound as it is", initial: true, smoothing: .zero),
    .kernel("frequency", "above it less of the other side is heard", unit: .hertz, range: 200...3000, initial: 700),
    .kernel("separation", "how much softer the other side is", unit: .decibels, range: 1...15, initial: 4.5),
  ]

  static func shape(_ settings: Settings) throws(NodeRefusal) -> NodeShape {
    let layout = settings.layout()
    guard layout.count > 1 else { throw NodeRefusal(code: "bad_layout", message: "one channel has no other side") }
    return .effect(layout)
  }

  static func makeProcessor(_ context: NodeContext) -> Processor {
    CrossfeedProcessor(context, CrossfeedState(context))
  }
}

struct CrossfeedState: ~Copyable {
  private var kernel: Crossfeed
  private var wanted = Crossfeed.Settings()
  /// What the kernel was told last, as the parameters have it.
  private var applied = SIMD4<Float>(repeating: .nan)
  private let enabled: LiveParameter
  private let frequency: LiveParameter
  private let separation: LiveParameter

  init(_ context: NodeContext) {
    enabled = context.parameters.live("enabled")
    frequency = context.parameters.live("frequency")
    separation = context.parameters.live("separation")
    let settings = Self.settings(enabled.target, frequency.target, separation.target)
    kernel = Crossfeed(
      format: StreamFormat(rate: context.rate, layout: context.settings.layout()), settings: settings)
  }

  @_noLocks
  private static func settings(_ enabled: Float, _ frequency: Float, _ separation: Float) -> Crossfeed.Settings {
    var settings = Crossfeed.Settings()
    settings.isEnabled = enabled > 0.5
    settings.frequency = Double(frequency)
    settings.separation = Decibels(Double(separation))
    return settings
  }

  /// Thread: render.
  @_noLocks
  mutating func render(_ block: NodeBlock) {
    let latest = SIMD4<Float>(enabled.latest, frequency.latest, separation.latest, 0)
    if latest != applied {
      applied = latest
      kernel.aim(Self.settings(latest[0], latest[1], latest[2]))
    }
    kernel.process(block.carry().channels, frames: block.frames)
  }
}

private final class CrossfeedProcessor: StateProcessor<CrossfeedState>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: CrossfeedState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let crossfeedNodeRecord: NodeRecord = (1, { exportNode(CrossfeedNode.self) })
