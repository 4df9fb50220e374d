import AudioCore

/// What clients say.
enum ClientMicNode: NodeKind {
  static let kind = "client_mic"
  static let summary =
    "What clients say into their microphones: all of them, one, or all but one, such as for a mix without who hears it."
  static let settings: [SettingSpec] = [
    .layout(initial: "mono"),
    SettingSpec("only", "a microphone by identifier or name; empty for all", .text, initial: .text("")),
    SettingSpec("except", "a microphone that is left out", .text, initial: .text("")),
  ]

  static func shape(_ settings: Settings) throws(NodeRefusal) -> NodeShape {
    let layout = settings.layout()
    guard layout.count <= 2 else { throw NodeRefusal(code: "bad_layout", message: "voices have 1 or 2 channels") }
    return .source(layout)
  }

  static func makeProcessor(_ context: NodeContext) throws(NodeRefusal) -> Processor {
    let layout = context.settings.layout()
    let wish = VoicesWish(
      only: context.settings.text("only"), except: context.settings.text("except"), layout: layout)
    return HostSourceProcessor(context, layout, try context.hostEnds().voices(wish))
  }
}

@section("streamd_nodes") @used
let clientMicNodeRecord: NodeRecord = (1, { exportNode(ClientMicNode.self) })
