import AudioCore

/// The device that the graph runs on, or another one with a clock of its own.
enum DeviceSinkNode: NodeKind {
  static let kind = "device_sink"
  static let summary =
    "Plays into the device that drives the graph, or into another one, whose clock is followed; several are summed."
  static let settings: [SettingSpec] = [
    .layout(),
    SettingSpec(
      "device", "a sink's node name, or alsa:PCM, jack:CLIENT; empty for the device that drives the graph", .text,
      initial: .text("")),
  ]
  static let readings = FarReadings.specs

  static func shape(_ settings: Settings) -> NodeShape { .sink(settings.layout()) }

  static func makeProcessor(_ context: NodeContext) throws(NodeRefusal) -> Processor {
    guard !context.settings.text("device").isEmpty else { return OutputProcessor(context, OutputState()) }
    return FarSinkProcessor(context, try context.open(.playback))
  }
}

struct FarSinkState: ~Copyable {
  private var writer: BridgeWriter
  private var clock: BlockClock

  init(_ writer: consuming BridgeWriter, _ rate: SampleRate) {
    self.writer = writer
    clock = BlockClock(rate)
  }

  /// What does not fit is counted by the bridge. Thread: render.
  @_noLocks
  mutating func render(_ block: NodeBlock) {
    _ = writer.write(block.input(0).channels, frames: block.frames, time: clock.time(block))
  }
}

final class FarSinkProcessor: StateProcessor<FarSinkState>, @unchecked Sendable {
  private let link: FarLink

  init(_ context: NodeContext, _ link: FarLink) {
    self.link = link
    super.init(
      context, worker: FarWatch(link, context.readings), FarSinkState(link.bridge.makeWriter(), context.rate))
  }

  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: FarSinkState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let deviceSinkNodeRecord: NodeRecord = (1, { exportNode(DeviceSinkNode.self) })
