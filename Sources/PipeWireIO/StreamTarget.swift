import CPipeWire
import CPipeWireSystem

/// The metadata that tells the session manager where a stream is to play.
enum TargetValue {
  /// The bare name: it holds for whatever sink bears it, now and after it has gone and come, and the session manager does
  /// not remember it for the application as the user's own choice. What reads as a number is taken for one, so a sink
  /// that is called so goes by its number.
  static func text(for sink: String, in graph: GraphMirror) -> String {
    guard Int(sink) != nil else { return sink }
    return graph.sinks.first { $0.name == sink }.map { "\($0.serial)" } ?? sink
  }

  static func type(of value: String) -> String { Int(value) == nil ? "Spa:String" : "Spa:Id" }
}

extension PipeWireConnection {
  /// Sets or removes a stream's target; false without a session manager. Thread: loop.
  func setTarget(of node: UInt32, _ value: String?) -> Bool {
    guard isReady, let metadata else { return false }
    // On this connection it is in the server before the move is.
    tell(.ofNode(node))
    return cpw_metadata_set_of(
      metadata.proxy, node, MetadataName.targetObject, value.map(TargetValue.type), value) >= 0
  }

  /// Writes what is there already with another type, so that it is heard of again. Thread: loop.
  func repeatTarget(of node: UInt32, _ value: String, type: String) {
    guard isReady, let metadata else { return }
    _ = cpw_metadata_set_of(metadata.proxy, node, MetadataName.targetNode, type, value)
  }
}
