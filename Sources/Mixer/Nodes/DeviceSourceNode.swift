import AudioCore

/// A microphone or another source of sound, whatever its clock.
enum DeviceSourceNode: NodeKind {
  static let kind = "device_source"
  static let summary = "What a microphone or line brings, whose clock is followed; never a monitor, never our own."
  static let settings: [SettingSpec] = [
    SettingSpec(
      "device", "a source's node name, or alsa:PCM, jack:CLIENT; empty for the default", .text, initial: .text("")),
    .layout(),
  ]
  static let readings = FarReadings.specs

  static func shape(_ settings: Settings) -> NodeShape { .source(settings.layout()) }

  static func makeProcessor(_ context: NodeContext) throws(NodeRefusal) -> Processor {
    DeviceSourceProcessor(context, try context.open(.capture))
  }
}

struct DeviceSourceState: ~Copyable {
  private var reader: BridgeReader
  private var clock: BlockClock

  init(_ reader: consuming BridgeReader, _ rate: SampleRate) {
    self.reader = reader
    clock = BlockClock(rate)
  }

  /// Thread: render.
  @_noLocks
  mutating func render(_ block: NodeBlock) {
    reader.read(into: block.output(0).channels, frames: block.frames, time: clock.time(block))
  }
}

private final class DeviceSourceProcessor: StateProcessor<DeviceSourceState>, @unchecked Sendable {
  private let link: FarLink

  init(_ context: NodeContext, _ link: FarLink) {
    self.link = link
    super.init(
      context, worker: FarWatch(link, context.readings),
      DeviceSourceState(link.bridge.makeReader(), context.rate))
  }

  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: DeviceSourceState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let deviceSourceNodeRecord: NodeRecord = (1, { exportNode(DeviceSourceNode.self) })
