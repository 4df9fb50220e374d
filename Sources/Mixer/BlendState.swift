import AudioCore
import Synchronization

/// What the render thread keeps of a blend.
struct BlendState: ~Copyable {
  let target = Atomic<Int>(-1)
  let heard = Atomic<Int>(-1)
  private let renderer: UnsafeMutablePointer<RendererState>
  private let blocks: UnsafeMutablePointer<BlendBlock>
  /// This cycle's block of each side, while a fade waits for the other.
  private let first: UnsafeMutablePointer<BlendBlock>
  private var second: UnsafeMutablePointer<BlendBlock>
  /// The second side's block of the cycle before: what the first side has now.
  private var ahead: UnsafeMutablePointer<BlendBlock>
  /// Frames of the fade that have passed.
  private var faded = 0
  /// What to add to a side's positions, so that they go on where the other's ended.
  private var shift: Int64 = 0
  private var expected: Int64?
  private var lastSide = -1

  private static let fade = 960
  /// The side's number.
  private static let isAhead = 1

  init(renderer: UnsafeMutablePointer<RendererState>) {
    self.renderer = renderer
    let blocks = UnsafeMutablePointer<BlendBlock>.allocate(capacity: 3)
    for place in 0..<3 { (blocks + place).initialize(to: BlendBlock()) }
    self.blocks = blocks
    first = blocks
    second = blocks + 1
    ahead = blocks + 2
  }

  deinit {
    blocks.deinitialize(count: 3)
    blocks.deallocate()
  }

  /// Thread: render.
  @_noLocks
  mutating func take(_ cycle: Cycle, from side: Int) {
    let wanted = target.load(ordering: .acquiring)
    let current = heard.load(ordering: .relaxed)
    if wanted < 0 { return }
    guard current == wanted || current < 0 else { return fadeStep(cycle, side, wanted) }
    guard side == wanted else { return }
    if current < 0 { heard.store(wanted, ordering: .releasing) }
    // A fade that was called off: what it held back.
    if side == Self.isAhead { forward(ahead, from: side) }
    if side == Self.isAhead { forward(second, from: side) } else { forward(first, from: side) }
    reset()
    forward(cycle, cycle.input, from: side)
  }

  /// A cycle of a fade: the side that comes first waits for the other.
  @_noLocks
  private mutating func fadeStep(_ cycle: Cycle, _ side: Int, _ wanted: Int) {
    let isSecond = side == Self.isAhead
    if cycle.flags.contains(.repaired) {
      // It comes before the block of its own cycle and stands for the one that was lost.
      if isSecond && ahead.pointee.isFull {
        ahead.pointee.keep(cycle)
      } else if side == lastSide {
        forward(cycle, cycle.input, from: side)
      }
      return
    }
    if !BlendBlock.fits(cycle) || (isSecond ? second.pointee.isFull : first.pointee.isFull) {
      return goOnAlone(cycle, side, wanted)
    }
    if isSecond { second.pointee.keep(cycle) } else { first.pointee.keep(cycle) }
    guard first.pointee.isFull && second.pointee.isFull else { return }
    if !ahead.pointee.isFull {
      // The first side's block has been heard already, if it was the second that was heard.
      if wanted == Self.isAhead { forward(first, from: 0) }
    } else if ahead.pointee.matches(first) {
      mix(newIsFirst: wanted != Self.isAhead)
      ahead.pointee.takeFacts(of: first)
      forward(ahead, from: 0)
      faded += cycle.frames
      if faded >= Self.fade { return finish(wanted) }
    } else {
      forward(first, from: 0)
      return finish(wanted)
    }
    first.pointee.isFull = false
    (ahead, second) = (second, ahead)
    second.pointee.isFull = false
  }

  /// The other side does not run: what runs is heard, for good if it is the one that is wanted.
  @_noLocks
  private mutating func goOnAlone(_ cycle: Cycle, _ side: Int, _ wanted: Int) {
    if side == Self.isAhead {
      forward(ahead, from: side)
      forward(second, from: side)
    } else {
      forward(first, from: side)
    }
    reset()
    if side == wanted { heard.store(wanted, ordering: .releasing) }
    if side == wanted || side == lastSide || lastSide < 0 { forward(cycle, cycle.input, from: side) }
  }

  @_noLocks
  private mutating func finish(_ wanted: Int) {
    if wanted == Self.isAhead { forward(second, from: wanted) }
    reset()
    heard.store(wanted, ordering: .releasing)
  }

  @_noLocks
  private mutating func reset() {
    faded = 0
    ahead.pointee.isFull = false
    first.pointee.isFull = false
    second.pointee.isFull = false
  }

  /// Mixes the first side's block into the second's of the cycle before.
  @_noLocks
  private mutating func mix(newIsFirst: Bool) {
    let step = 1 / Float(Self.fade)
    var channel = 0
    while channel < ahead.pointee.channels {
      let from = first.pointee.planes[channel]
      let into = ahead.pointee.planes[channel]
      var gain = Float(faded) * step
      for frame in 0..<ahead.pointee.frames {
        gain = gain + step < 1 ? gain + step : 1
        let (old, new) = newIsFirst ? (into[frame], from[frame]) : (from[frame], into[frame])
        into[frame] = old + (new - old) * gain
      }
      channel += 1
    }
  }

  /// Passes a kept block on and empties its place.
  @_noLocks
  private mutating func forward(_ block: UnsafeMutablePointer<BlendBlock>, from side: Int) {
    guard block.pointee.isFull else { return }
    block.pointee.isFull = false
    let planes = UnsafePointer(block.pointee.planes)
    let samples = Block(channels: planes, channelCount: block.pointee.channels, frames: block.pointee.frames)
    forward(
      Cycle(
        frames: block.pointee.frames, time: block.pointee.time, position: block.pointee.position,
        quantum: block.pointee.quantum, layout: block.pointee.layout, flags: block.pointee.flags, input: samples,
        output: Block(channels: planes, channelCount: 0, frames: block.pointee.frames)),
      samples, from: side)
  }

  /// Positions go on from one side to the other.
  @_noLocks
  private mutating func forward(_ cycle: Cycle, _ block: Block, from side: Int) {
    if side != lastSide {
      if let expected { shift = expected - cycle.position }
      lastSide = side
    }
    let position = cycle.position + shift
    expected = position + Int64(cycle.frames)
    renderer.pointee.render(
      Cycle(
        frames: cycle.frames, time: cycle.time, position: position, quantum: cycle.quantum, layout: cycle.layout,
        flags: cycle.flags, input: block, output: cycle.output))
  }
}
