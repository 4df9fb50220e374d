import AudioCore

/// What this computer plays.
enum DesktopCaptureNode: NodeKind {
  static let kind = "desktop_capture"
  static let summary = "What a sink of this computer plays, whose clock is followed."
  static let settings: [SettingSpec] = [
    .layout(), SettingSpec("sink", "a sink's node name; empty for the default", .text, initial: .text("")),
    SettingSpec(
      "mode", "monitor hears the sink, streams what plays into it in the same cycle and never ourselves",
      .choice(["monitor", "streams", "auto"]), initial: .text("monitor")),
  ]

  static func shape(_ settings: Settings) -> NodeShape { .source(settings.layout()) }

  static func makeProcessor(_ context: NodeContext) throws(NodeRefusal) -> Processor {
    let layout = context.settings.layout()
    let wish = DesktopWish(sink: context.settings.text("sink"), mode: context.settings.text("mode"), layout: layout)
    return HostSourceProcessor(context, layout, try context.hostEnds().desktop(wish))
  }
}

@section("streamd_nodes") @used
let desktopCaptureNodeRecord: NodeRecord = (1, { exportNode(DesktopCaptureNode.self) })
