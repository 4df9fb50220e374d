import AudioCore

/// Filters as AutoEQ and Equalizer APO write them.
enum EqualizerNode: NodeKind {
  static let kind = "equalizer"
  static let summary = "Up to 32 filters, as AutoEQ and Equalizer APO write them; other filters are faded to."
  static let settings: [SettingSpec] = [
    .layout(),
    SettingSpec(
      "filters", "lines such as: Filter 1: ON PK Fc 1000 Hz Gain -3 dB Q 1.4; empty for none", .text,
      initial: .text("")),
  ]

  static func shape(_ settings: Settings) -> NodeShape { .effect(settings.layout()) }

  static func makeProcessor(_ context: NodeContext) throws(NodeRefusal) -> Processor {
    let layout = context.settings.layout()
    let filters = context.settings.text("filters")
    var equalizer = Equalizer(format: StreamFormat(rate: context.rate, layout: layout))
    // A text without a filter is no equalizer to its parser; a node without text is one that does nothing yet.
    if filters.contains(where: { !$0.isWhitespace }) {
      do throws(FilterTextError) {
        let text = try FilterText(parsing: filters, layout: layout)
        equalizer.aim(EqualizerCurve(bands: text.bands, preamp: text.preamp, rate: context.rate))
      } catch {
        throw NodeRefusal(code: error.code, message: error.description)
      }
    }
    equalizer.reset()
    return EqualizerProcessor(context, equalizer)
  }
}

private final class EqualizerProcessor: StateProcessor<Equalizer>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: Equalizer.self).pointee.process(block.carry().channels, frames: block.frames)
  }
}

@section("streamd_nodes") @used
let equalizerNodeRecord: NodeRecord = (1, { exportNode(EqualizerNode.self) })
