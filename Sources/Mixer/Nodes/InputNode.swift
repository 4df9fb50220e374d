import AudioCore

/// What the driver of the graph brings in each cycle.
enum InputNode: NodeKind {
  static let kind = "input"
  static let summary = "What the driver brings in: the captured sound of the device or host the graph runs on."
  static let settings: [SettingSpec] = [.layout()]
  static func shape(_ settings: Settings) -> NodeShape { .source(settings.layout()) }
  static func makeProcessor(_ context: NodeContext) -> Processor { InputProcessor(context, InputState()) }
}

struct InputState: ~Copyable {
  private var kernel = SumKernel(inputs: 1)

  /// Thread: render.
  @_noLocks
  mutating func render(_ block: NodeBlock) {
    let from = block.driver.pointee.input
    let offset = block.driver.pointee.offset
    let to = block.output(0)
    var channel = 0
    while channel < to.count {
      let target = to[channel]
      if channel < from.channelCount {
        let source = from.channel(channel) + offset &* from.stride
        if from.stride == 1 {
          kernel.begin()
          kernel.add(source, gain: 1)
          kernel.sum(into: target, frames: block.frames)
        } else {
          for frame in 0..<block.frames { target[frame] = finite(source[frame &* from.stride]) }
        }
      } else {
        renderZero(target, floats: block.frames)
      }
      channel += 1
    }
  }
}

private final class InputProcessor: StateProcessor<InputState>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: InputState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let inputNodeRecord: NodeRecord = (1, { exportNode(InputNode.self) })
