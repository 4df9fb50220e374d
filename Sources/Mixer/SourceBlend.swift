public import AudioCore
import Synchronization

/// Two captures of the same sink in front of one renderer: one is heard, and a change is a short fade from the one to the
/// other. Both are driven by the same render thread, in any order within a cycle.
public final class SourceBlend: @unchecked Sendable {
  public enum Side: Int, Sendable { case first, second }

  /// For the stream of each side.
  public let first: RenderClient
  public let second: RenderClient
  private let state: UnsafeMutablePointer<BlendState>
  private let renderer: Renderer

  /// Thread: control.
  public init(_ renderer: Renderer) {
    self.renderer = renderer
    state = .allocate(capacity: 1)
    state.initialize(to: BlendState(renderer: renderer.face))
    first = BlendFace(state, .first)
    second = BlendFace(state, .second)
  }

  /// The streams of both sides must have stopped. Thread: control.
  deinit {
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// Hears this side from now on. Thread: control.
  public func hear(_ side: Side) { state.pointee.target.store(side.rawValue, ordering: .releasing) }

  /// What is heard, once a fade has ended; nil before the first block. Thread: any.
  public var heard: Side? { Side(rawValue: state.pointee.heard.load(ordering: .acquiring)) }
}

private final class BlendFace: RenderClient, @unchecked Sendable {
  private let state: UnsafeMutablePointer<BlendState>
  private let side: SourceBlend.Side

  init(_ state: UnsafeMutablePointer<BlendState>, _ side: SourceBlend.Side) {
    self.state = state
    self.side = side
  }

  /// Thread: render.
  @_noLocks
  override func render(_ cycle: Cycle) { state.pointee.take(cycle, from: side.rawValue) }
}

struct BlendState: ~Copyable {
  let target = Atomic<Int>(-1)
  let heard = Atomic<Int>(-1)
  private let renderer: UnsafeMutablePointer<RendererState>
  /// The block of the side that came first in this cycle, planar.
  private let kept: UnsafeMutablePointer<Float>
  private let keptPlanes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  private let channelRoom: Int
  private var keptSide = -1
  private var keptFrames = 0
  private var keptChannels = 0
  /// Frames of the fade that have passed.
  private var faded = 0
  /// What to add to a side's positions, so that they go on where the other's ended.
  private var shift: Int64 = 0
  private var expected: Int64?
  private var lastSide = -1

  /// Longest block, and the length of a fade.
  private static let room = 8192
  private static let fade = 960

  init(renderer: UnsafeMutablePointer<RendererState>) {
    self.renderer = renderer
    let channels = ChannelLayout.limit
    channelRoom = channels
    kept = .allocate(capacity: Self.room * channels)
    keptPlanes = .allocate(capacity: channels)
    for channel in 0..<channels { (keptPlanes + channel).initialize(to: kept + channel * Self.room) }
  }

  deinit {
    kept.deallocate()
    keptPlanes.deallocate()
  }

  /// Thread: render.
  @_noLocks
  mutating func take(_ cycle: Cycle, from side: Int) {
    let wanted = target.load(ordering: .acquiring)
    let current = heard.load(ordering: .relaxed)
    if wanted < 0 { return }
    if current == wanted || current < 0 {
      keptSide = -1
      guard side == wanted else { return }
      if current < 0 { heard.store(wanted, ordering: .releasing) }
      return forward(cycle, cycle.input, from: side)
    }
    fadeStep(cycle, side, wanted)
  }

  /// A cycle of a fade: the side that comes first waits for the other.
  @_noLocks
  private mutating func fadeStep(_ cycle: Cycle, _ side: Int, _ wanted: Int) {
    if keptSide < 0 {
      // Nothing to fade with when the block does not fit: then the other side ends the fade alone.
      if cycle.frames <= Self.room { keep(cycle, side) }
      return
    }
    if keptSide == side {
      // The other side does not run: what runs is heard, at once if it is the one that is wanted.
      if side == wanted { finish(wanted) }
      keptSide = -1
      return forward(cycle, cycle.input, from: side)
    }
    let isWanted = side == wanted
    let matches = keptFrames == cycle.frames && keptChannels == cycle.input.channelCount
    if matches {
      mix(cycle, keptIsOld: isWanted)
      let block = Block(
        channels: UnsafePointer(keptPlanes), channelCount: keptChannels, frames: keptFrames)
      forward(cycle, block, from: side)
    } else {
      forward(cycle, cycle.input, from: side)
    }
    keptSide = -1
    faded += cycle.frames
    if faded >= Self.fade || !matches { finish(wanted) }
  }

  @_noLocks
  private mutating func keep(_ cycle: Cycle, _ side: Int) {
    let stride = cycle.input.stride
    var channel = 0
    while channel < cycle.input.channelCount && channel < channelRoom {
      let from = cycle.input.channel(channel)
      let into = keptPlanes[channel]
      for frame in 0..<cycle.frames { into[frame] = from[frame &* stride] }
      channel += 1
    }
    keptSide = side
    keptFrames = cycle.frames
    keptChannels = channel
  }

  /// Mixes the other side's block into what was kept.
  @_noLocks
  private mutating func mix(_ cycle: Cycle, keptIsOld: Bool) {
    let stride = cycle.input.stride
    let step = 1 / Float(Self.fade)
    var channel = 0
    while channel < keptChannels {
      let from = cycle.input.channel(channel)
      let into = keptPlanes[channel]
      var gain = Float(faded) * step
      for frame in 0..<cycle.frames {
        gain = gain + step < 1 ? gain + step : 1
        let other = from[frame &* stride]
        let (old, new) = keptIsOld ? (into[frame], other) : (other, into[frame])
        into[frame] = old + (new - old) * gain
      }
      channel += 1
    }
  }

  @_noLocks
  private mutating func finish(_ wanted: Int) {
    faded = 0
    heard.store(wanted, ordering: .releasing)
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
