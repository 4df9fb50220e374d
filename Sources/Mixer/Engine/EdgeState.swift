import AudioCore
import Synchronization

/// What render keeps of one connection: how far it is faded in, and what it delays. It outlives the plans that mention it.
struct EdgeState: ~Copyable {
  /// Frames of a whole fade.
  let length: Int
  /// How much of it is in: `length` is unity.
  var progress: Int
  /// Which way it goes.
  var isIn: Bool
  /// Frames until it moves: what is new behind it has to warm up first.
  var hold = 0
  /// The last order that was taken.
  var order: Int
  /// The last order that was carried out. Read by control.
  let finished: Atomic<Int>
  /// One line per channel after the other; empty without a delay.
  let lines: UnsafeMutablePointer<Float>
  let lineLength: Int
  let delay: Int
  var place = 0

  init(order: Int, isIn: Bool, length: Int, delay: Int, lines: UnsafeMutablePointer<Float>, lineLength: Int) {
    self.order = order
    self.isIn = isIn
    self.length = length
    self.delay = delay
    self.lines = lines
    self.lineLength = lineLength
    progress = isIn ? length : 0
    finished = Atomic(isIn ? order : order - 1)
  }
}

/// What a plan wants of a connection from its first cycle on.
struct EdgeOrder {
  let state: UnsafeMutablePointer<EdgeState>
  let number: Int
  let isIn: Bool
  let hold: Int
}

/// One connection's part in a sum.
struct MixItem {
  let state: UnsafeMutablePointer<EdgeState>
  let source: UnsafePointer<UnsafeMutablePointer<Float>>
  let channels: Int
}

// On the pointer: a mutating method would claim the whole state, which control reads a word of. Thread: render.
extension UnsafeMutablePointer<EdgeState> {
  /// A number that was seen before is no news: plans repeat what they want.
  @_noLocks
  func take(_ order: EdgeOrder) {
    guard pointee.order != order.number else { return }
    pointee.order = order.number
    pointee.isIn = order.isIn
    pointee.hold = order.hold
  }

  /// Adds one block of the source to `into`, or writes it there if it is the first. False when there was nothing to add.
  @_noLocks
  func mix(_ item: MixItem, into: UnsafePointer<UnsafeMutablePointer<Float>>, frames: Int, isFirst: Bool) -> Bool {
    let goal = pointee.isIn ? pointee.length : 0
    if pointee.delay > 0 { return mixDelayed(item, into: into, frames: frames, isFirst: isFirst) }
    if pointee.progress == goal {
      finish()
      guard pointee.isIn else { return false }
      var channel = 0
      while channel < item.channels {
        add(item.source[channel], into[channel], frames, isFirst)
        channel += 1
      }
      return true
    }
    var channel = 0
    while channel < item.channels {
      fade(item.source[channel], into[channel], frames, isFirst)
      channel += 1
    }
    advance(frames)
    return true
  }

  @_noLocks
  private func mixDelayed(
    _ item: MixItem, into: UnsafePointer<UnsafeMutablePointer<Float>>, frames: Int, isFirst: Bool
  ) -> Bool {
    let mask = pointee.lineLength &- 1
    let place = pointee.place
    let behind = place &- pointee.delay
    var channel = 0
    while channel < item.channels {
      let line = pointee.lines + channel &* pointee.lineLength
      let from = item.source[channel]
      let to = into[channel]
      let hold = pointee.hold
      for frame in 0..<frames {
        line[(place &+ frame) & mask] = from[frame]
        let sample = line[(behind &+ frame) & mask] * gain(at: frame &+ 1 &- hold)
        to[frame] = isFirst ? sample : to[frame] + sample
      }
      channel += 1
    }
    pointee.place = (place &+ frames) & mask
    advance(frames)
    return true
  }

  @_noLocks
  private func add(
    _ from: UnsafeMutablePointer<Float>, _ to: UnsafeMutablePointer<Float>, _ frames: Int, _ isFirst: Bool
  ) {
    if isFirst {
      renderCopy(to, from: from, floats: frames)
    } else {
      for frame in 0..<frames { to[frame] += from[frame] }
    }
  }

  @_noLocks
  private func fade(
    _ from: UnsafeMutablePointer<Float>, _ to: UnsafeMutablePointer<Float>, _ frames: Int, _ isFirst: Bool
  ) {
    let hold = pointee.hold
    for frame in 0..<frames {
      let sample = from[frame] * gain(at: frame &+ 1 &- hold)
      to[frame] = isFirst ? sample : to[frame] + sample
    }
  }

  /// The gain after so many frames of moving; computed from the whole way, so that blocks may be cut anywhere.
  @_noLocks
  private func gain(at moved: Int) -> Float {
    let way = moved > 0 ? moved : 0
    if pointee.isIn {
      let progress = pointee.progress &+ way
      return progress >= pointee.length ? 1 : smoothStep(Float(progress) / Float(pointee.length))
    }
    let progress = pointee.progress &- way
    return progress <= 0 ? 0 : smoothStep(Float(progress) / Float(pointee.length))
  }

  @_noLocks
  private func advance(_ frames: Int) {
    let held = pointee.hold < frames ? pointee.hold : frames
    pointee.hold &-= held
    let way = frames &- held
    if pointee.isIn {
      let progress = pointee.progress &+ way
      pointee.progress = progress < pointee.length ? progress : pointee.length
      if pointee.progress == pointee.length { finish() }
    } else {
      let progress = pointee.progress &- way
      pointee.progress = progress > 0 ? progress : 0
      if pointee.progress == 0 { finish() }
    }
  }

  @_noLocks
  private func finish() {
    if pointee.finished.load(ordering: .relaxed) != pointee.order {
      pointee.finished.store(pointee.order, ordering: .releasing)
    }
  }
}
