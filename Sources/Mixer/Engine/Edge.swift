import AudioCore
import Synchronization

/// Which connection an edge is: between processors, not nodes, so that a node whose processor is replaced has others.
struct EdgeKey: Hashable, Comparable {
  let from: Int
  let output: Int
  let to: Int
  let input: Int
  /// Another delay is another edge: the one fades into the other.
  let delay: Int

  private var order: (Int, Int, Int, Int, Int) { (to, input, from, output, delay) }
  static func < (a: Self, b: Self) -> Bool { a.order < b.order }
}

/// Control's side of a connection, and owner of what render keeps of it. Thread: control.
final class Edge: @unchecked Sendable {
  let key: EdgeKey
  let channels: Int
  /// The generation that brought it.
  let born: Int
  let state: UnsafeMutablePointer<EdgeState>
  private let lines: UnsafeMutablePointer<Float>
  private(set) var order: Int
  private(set) var isIn = true
  private(set) var hold: Int

  /// `isWhole`: at unity from its first sample.
  init(_ key: EdgeKey, channels: Int, born: Int, order: Int, hold: Int, isWhole: Bool, fade: Int, block: Int) {
    self.key = key
    self.channels = channels
    self.born = born
    self.order = order
    self.hold = hold
    var lineLength = 0
    if key.delay > 0 {
      lineLength = 16
      while lineLength < key.delay + block { lineLength *= 2 }
    }
    lines = .allocate(capacity: max(lineLength * channels, 1))
    lines.initialize(repeating: 0, count: lineLength * channels)
    state = .allocate(capacity: 1)
    // One that has to fade in first learns so from the plan, like any other change.
    state.initialize(
      to: EdgeState(
        order: isWhole ? order : order - 1, isIn: isWhole, length: fade, delay: key.delay, lines: lines,
        lineLength: lineLength))
  }

  deinit {
    state.deinitialize(count: 1)
    state.deallocate()
    lines.deallocate()
  }

  /// Turns its way.
  func turn(in isIn: Bool, order: Int, hold: Int) {
    self.isIn = isIn
    self.order = order
    self.hold = hold
  }

  /// It is where it should be, and render has said so.
  var isSettled: Bool { state.pointee.finished.load(ordering: .acquiring) == order }
  /// Nothing of it is heard, and nothing will be.
  var isGone: Bool { !isIn && isSettled }
  /// It must be worked on, block by block.
  var isWorked: Bool { key.delay > 0 || !isIn || !isSettled }
  var command: EdgeOrder { EdgeOrder(state: state, number: order, isIn: isIn, hold: hold) }
}
