import AudioCore

/// Brings what it hears to an application, through its ring, in the ring's rate and channels.
enum AppSinkNode: NodeKind {
  static let kind = "app_sink"
  static let summary = "Brings what it hears into the ring of an application: a sink, of any rate."
  static let settings: [SettingSpec] = [.ring, .layout("channels", "that go in; they are mapped to the ring's")]
  static let readings = RingReadings.specs

  static func shape(_ settings: Settings) -> NodeShape { .sink(settings.layout()) }

  static func makeProcessor(_ context: NodeContext) throws(NodeRefusal) -> Processor {
    guard let rings = context.rings else { throw .noRings }
    let end = try rings.sink(context)
    return AppSinkProcessor(context, latency: end.latency, claim: end, AppSinkState(end, context))
  }
}

struct AppSinkState: ~Copyable {
  /// Of the claim, which lives as long as the processor.
  private let end: UnsafeMutablePointer<RingSinkState>
  private let fold: ChannelFold
  private let readings: RingReadings

  init(_ sink: RingSink, _ context: NodeContext) {
    end = sink.state
    fold = ChannelFold(from: context.settings.layout(), toRing: sink.channels)
    readings = RingReadings(context)
  }

  /// Thread: render.
  @_noLocks
  func render(_ block: NodeBlock) {
    let from = block.input(0)
    precondition(from.count == fold.inputs)
    fold.apply(from.channels, end.pointee.planes(block), frames: block.frames)
    end.pointee.take(block)
    readings.note(end.pointee.sight)
  }
}

private final class AppSinkProcessor: StateProcessor<AppSinkState>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: AppSinkState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let appSinkNodeRecord: NodeRecord = (1, { exportNode(AppSinkNode.self) })
