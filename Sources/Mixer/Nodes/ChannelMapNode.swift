import AudioCore

/// Turns one layout into another: as BS.775 folds, or by a matrix of one's own.
enum ChannelMapNode: NodeKind {
  static let kind = "channel_map"
  static let summary = "Turns one layout of channels into another: as BS.775 folds, or by a matrix."
  static let settings: [SettingSpec] = [
    .layout("from", "the channels that come in", initial: "5.1"), .layout("to", "the channels that go out"),
    SettingSpec(
      "matrix", "factors, for each channel out one for each channel in; without it as BS.775 folds", .numbers,
      initial: .numbers([])),
  ]

  static func shape(_ settings: Settings) throws(NodeRefusal) -> NodeShape {
    let (from, to) = (settings.layout("from"), settings.layout("to"))
    let given = settings.numbers("matrix").count
    guard given == 0 || given == from.count * to.count else {
      throw NodeRefusal(
        code: "bad_setting", message: "matrix: \(from.count * to.count) numbers, \(to.count) rows of \(from.count)")
    }
    return NodeShape(inputs: [PortSpec("in", from)], outputs: [PortSpec("out", to)])
  }

  static func makeProcessor(_ context: NodeContext) -> Processor {
    let own = context.settings.numbers("matrix")
    let matrix = ChannelMatrix(from: context.settings.layout("from"), to: context.settings.layout("to"))
    let fold = ChannelFold(
      own.isEmpty ? matrix.gains : own.map { Float($0) }, inputs: matrix.input.count, outputs: matrix.output.count)
    return ChannelMapProcessor(context, ChannelMapState(fold: fold))
  }
}

struct ChannelMapState: ~Copyable {
  let fold: ChannelFold

  /// Thread: render.
  @_noLocks
  func render(_ block: NodeBlock) {
    let (from, to) = (block.input(0), block.output(0))
    precondition(from.count == fold.inputs && to.count == fold.outputs)
    fold.apply(from.channels, to.channels, frames: block.frames)
  }
}

private final class ChannelMapProcessor: StateProcessor<ChannelMapState>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: ChannelMapState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let channelMapNodeRecord: NodeRecord = (1, { exportNode(ChannelMapNode.self) })
