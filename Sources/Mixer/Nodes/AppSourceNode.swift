import AudioCore

/// Plays what an application writes into its ring, in the graph's rate and channels.
enum AppSourceNode: NodeKind {
  static let kind = "app_source"
  static let summary = "Plays what an application writes into its ring: a source, of any rate."
  static let settings: [SettingSpec] = [.ring, .layout("channels", "that come out; the ring's are mapped")]
  static let readings = RingReadings.specs

  static func shape(_ settings: Settings) -> NodeShape { .source(settings.layout()) }

  static func makeProcessor(_ context: NodeContext) throws(NodeRefusal) -> Processor {
    guard let rings = context.rings else { throw .noRings }
    let end = try rings.source(context)
    return AppSourceProcessor(context, latency: end.latency, claim: end, AppSourceState(end, context))
  }
}

struct AppSourceState: ~Copyable {
  /// Of the claim, which lives as long as the processor.
  private let end: UnsafeMutablePointer<RingSourceState>
  private let fold: ChannelFold
  private let readings: RingReadings

  init(_ source: RingSource, _ context: NodeContext) {
    end = source.state
    fold = ChannelFold(fromRing: source.channels, to: context.settings.layout())
    readings = RingReadings(context)
  }

  /// Thread: render.
  @_noLocks
  func render(_ block: NodeBlock) {
    let to = block.output(0)
    precondition(to.count == fold.outputs)
    fold.apply(end.pointee.planes(block), to.channels, frames: block.frames)
    readings.note(end.pointee.sight)
  }
}

private final class AppSourceProcessor: StateProcessor<AppSourceState>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: AppSourceState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let appSourceNodeRecord: NodeRecord = (1, { exportNode(AppSourceNode.self) })
