import AudioCore

/// A bus that sessions encode.
enum StreamSinkNode: NodeKind {
  static let kind = "stream_sink"
  static let summary =
    "What sessions hear that chose its bus; those that chose none hear \"main\", once a node feeds it, in place of the desktop."
  static let settings: [SettingSpec] = [
    SettingSpec("bus", "the bus's name", .text, initial: .text("main")), .layout(),
  ]

  static func shape(_ settings: Settings) -> NodeShape { .sink(settings.layout()) }

  static func makeProcessor(_ context: NodeContext) throws(NodeRefusal) -> Processor {
    let name = context.settings.text("bus")
    guard (1...64).contains(name.utf8.count) else {
      throw NodeRefusal(code: "bad_name", message: "a bus has a name of 1 to 64 bytes")
    }
    let bus = try context.hostEnds().bus(name)
    return StreamSinkProcessor(context, StreamFeed(bus, context.settings.layout()))
  }
}

/// A node's place at a bus, from when it is made until it is freed. Thread: control.
private final class StreamFeed {
  let bus: StreamBus
  let layout: ChannelLayout
  let serial: Int

  init(_ bus: StreamBus, _ layout: ChannelLayout) {
    self.bus = bus
    self.layout = layout
    serial = bus.enter(layout)
  }

  deinit { bus.leave(serial) }
}

struct StreamSinkState: ~Copyable {
  /// Of the claim, which lives as long as the processor.
  let bus: UnsafeMutablePointer<StreamBusState>
  let serial: Int
  let layout: ChannelLayout
  let hertz: Int

  /// Thread: render.
  @_noLocks
  func render(_ block: NodeBlock) { bus.pointee.take(block, serial: serial, layout: layout, hertz: hertz) }
}

private final class StreamSinkProcessor: StateProcessor<StreamSinkState>, @unchecked Sendable {
  private let feed: StreamFeed

  init(_ context: NodeContext, _ feed: StreamFeed) {
    self.feed = feed
    super.init(
      context, claim: feed.bus,
      StreamSinkState(bus: feed.bus.state, serial: feed.serial, layout: feed.layout, hertz: context.rate.hertz))
  }

  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: StreamSinkState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let streamSinkNodeRecord: NodeRecord = (1, { exportNode(StreamSinkNode.self) })
