internal import CLinux

/// What a node's file leaves in the binary: the number 1, then a function that hands out the node's descriptor as a
/// retained reference. It must be a constant, so that the linker can lay all records side by side.
public typealias NodeRecord = (mark: UInt, export: @convention(c) @Sendable () -> UInt)

/// What the records of every node linked into this program hand out, in the linker's order. Thread: control.
public func linkedNodeExports() -> [UInt] {
  var bytes = 0
  guard let start = clinux_node_section(&bytes) else { return [] }
  var exports: [UInt] = []
  var offset = 0
  while offset + MemoryLayout<NodeRecord>.stride <= bytes {
    let record = start.load(fromByteOffset: offset, as: NodeRecord.self)
    guard record.mark == 1 else {
      // Padding the linker put between two files' records.
      offset += MemoryLayout<UInt>.stride
      continue
    }
    exports.append(record.export())
    offset += MemoryLayout<NodeRecord>.stride
  }
  return exports
}
