import AudioCore

/// A node's processor in the engine: made when the node's structure is new, gone when nothing of it is heard.
/// Thread: control.
final class Instance {
  /// Of one processor for ever; the order of nodes of equal rank.
  let serial: Int
  let resolved: ResolvedNode
  let processor: Processor
  /// The generation that brought it.
  let born: Int

  init(serial: Int, resolved: ResolvedNode, processor: Processor, born: Int) {
    self.serial = serial
    self.resolved = resolved
    self.processor = processor
    self.born = born
  }

  var id: NodeID { resolved.node.id }
  var latency: Int { processor.latency.value }
  /// Its fades happen before it: nothing comes after.
  var isSink: Bool { resolved.shape.outputs.isEmpty }
}
