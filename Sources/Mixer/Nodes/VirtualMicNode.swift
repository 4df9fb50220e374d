import AudioCore

/// A microphone that applications find.
enum VirtualMicNode: NodeKind {
  static let kind = "virtual_mic"
  static let summary =
    "A source that applications record from, with a clock of its own; it is there as long as the node."
  static let settings: [SettingSpec] = [
    SettingSpec("name", "the source's node name", .text, initial: .text("streamd.graph-mic")),
    .layout(initial: "mono"),
  ]
  static let readings = FarReadings.specs

  static func shape(_ settings: Settings) throws(NodeRefusal) -> NodeShape {
    let layout = settings.layout()
    guard layout.count <= 2 else { throw NodeRefusal(code: "bad_layout", message: "a microphone has 1 or 2 channels") }
    return .sink(layout)
  }

  static func makeProcessor(_ context: NodeContext) throws(NodeRefusal) -> Processor {
    guard (1...64).contains(context.settings.text("name").utf8.count) else {
      throw NodeRefusal(code: "bad_name", message: "a microphone has a name of 1 to 64 bytes")
    }
    return FarSinkProcessor(context, try context.open(.source, named: "name"))
  }
}

@section("streamd_nodes") @used
let virtualMicNodeRecord: NodeRecord = (1, { exportNode(VirtualMicNode.self) })
