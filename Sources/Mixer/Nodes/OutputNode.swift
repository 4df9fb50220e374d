import AudioCore

/// What the driver of the graph is given in each cycle. Several are summed.
enum OutputNode: NodeKind {
  static let kind = "output"
  static let summary = "What the driver is given: the device, host or file the graph plays to."
  static let settings: [SettingSpec] = [.layout()]
  static func shape(_ settings: Settings) -> NodeShape { .sink(settings.layout()) }
  static func makeProcessor(_ context: NodeContext) -> Processor { OutputProcessor(context, OutputState()) }
}

struct OutputState: ~Copyable {
  private var kernel = SumKernel(inputs: 2)

  /// Thread: render.
  @_noLocks
  mutating func render(_ block: NodeBlock) {
    let from = block.input(0)
    let to = block.driver.pointee.output
    let offset = block.driver.pointee.offset
    var channel = 0
    while channel < from.count && channel < to.channelCount {
      let source = from[channel]
      let target = to.channel(channel) + offset
      kernel.begin()
      kernel.add(target, gain: 1)
      kernel.add(source, gain: 1)
      kernel.sum(into: target, frames: block.frames)
      channel += 1
    }
  }
}

final class OutputProcessor: StateProcessor<OutputState>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: OutputState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let outputNodeRecord: NodeRecord = (1, { exportNode(OutputNode.self) })
