public import AudioCore
import Synchronization

/// A named place where sessions hear what a graph makes: the graph's own cycle renders their buses, so nothing is added to
/// the time sound takes. One node at a time feeds it; it outlives them, and whoever hears it stays.
public final class StreamBus: NodeClaim, @unchecked Sendable {
  public let name: String
  /// What the bus drives: the plan of those who hear it.
  public let renderer = Renderer()
  let state: UnsafeMutablePointer<StreamBusState>
  private let feeders = Mutex(Feeders())

  private struct Feeders {
    var last = 0
    var open: [(serial: Int, layout: ChannelLayout)] = []
    var observer: (@Sendable (ChannelLayout?) -> Void)?
  }

  /// Thread: control.
  public init(_ name: String) {
    self.name = name
    state = .allocate(capacity: 1)
    state.initialize(to: StreamBusState(renderer.face))
  }

  deinit {
    state.deinitialize(count: 1)
    state.deallocate()
  }

  public var refusal: NodeRefusal { NodeRefusal(code: "bus_in_use", message: "another node feeds the bus \"\(name)\"") }

  /// What it is fed in; nil while no node feeds it. Thread: any but render.
  public var layout: ChannelLayout? { feeders.withLock { $0.open.last?.layout } }

  /// Blocks that were rendered since the start: a bus whose graph stands still has no more of them. Thread: any.
  public var blocks: Int { state.pointee.blocks.load(ordering: .relaxed) }

  /// Frames of the graph's last cycle. Thread: any.
  public var quantum: Int { state.pointee.quantum.load(ordering: .relaxed) }

  /// Tells what it is fed in now, and whenever that changes, in the thread that changes it. Thread: control.
  public func observe(_ observer: (@Sendable (ChannelLayout?) -> Void)?) {
    let layout = feeders.withLock { feeders in
      feeders.observer = observer
      return feeders.open.last?.layout
    }
    observer?(layout)
  }

  /// A node feeds it from now on, and what it was fed by fades out. Thread: control.
  func enter(_ layout: ChannelLayout) -> Int {
    var serial = 0
    change { feeders in
      feeders.last += 1
      serial = feeders.last
      feeders.open.append((serial, layout))
    }
    return serial
  }

  func leave(_ serial: Int) { change { feeders in feeders.open.removeAll { $0.serial == serial } } }

  private func change(_ edit: (inout Feeders) -> Void) {
    let (before, after, observer) = feeders.withLock { feeders in
      let before = feeders.open.last?.layout
      edit(&feeders)
      return (before, feeders.open.last?.layout, feeders.observer)
    }
    if after != before { observer?(after) }
  }
}

/// What the render thread keeps of a bus: the sum of what its nodes bring in one block.
struct StreamBusState: ~Copyable {
  let blocks = Atomic<Int>(0)
  let quantum = Atomic<Int>(0)
  private let renderer: UnsafeMutablePointer<RendererState>
  private let sum = SoundPlanes(channels: Self.most, frames: Self.longest)
  /// Of the block that is being summed: the newest node that has brought something, and what it is in.
  private var position: Int64 = -1
  private var newest = 0
  private var layout: ChannelLayout = .stereo
  /// When the block after the last one should be heard.
  private var due = HostTime(nanoseconds: 0)

  /// The longest block a node is asked for.
  static var longest: Int { @_noLocks get { 1024 } }
  private static var most: Int { @_noLocks get { 8 } }
  /// A graph that was stopped goes on later, not a little late.
  private static var pause: Int64 { @_noLocks get { 50_000_000 } }

  init(_ renderer: UnsafeMutablePointer<RendererState>) { self.renderer = renderer }

  /// Adds a node's block; with the last one's the bus is rendered. Thread: render.
  @_noLocks
  mutating func take(_ block: NodeBlock, serial: Int, layout own: ChannelLayout, hertz: Int) {
    let from = block.input(0)
    if block.frames <= Self.longest && from.count <= Self.most { put(block, from, serial, own) }
    if block.isLast { render(block, hertz) }
  }

  @_noLocks
  private mutating func put(_ block: NodeBlock, _ from: Planes, _ serial: Int, _ own: ChannelLayout) {
    let isFirst = position != block.position
    position = block.position
    if isFirst || own != layout {
      // Of nodes in different layouts, which there are while one takes the other's place, the newer is heard.
      guard isFirst || serial > newest else { return }
      layout = own
      newest = serial
      var channel = 0
      while channel < from.count {
        renderCopy(sum.channels[channel], from: from[channel], floats: block.frames)
        channel += 1
      }
      return
    }
    newest = serial > newest ? serial : newest
    var channel = 0
    while channel < from.count {
      let (total, part) = (sum.channels[channel], from[channel])
      for frame in 0..<block.frames { total[frame] = finite(total[frame] + part[frame]) }
      channel += 1
    }
  }

  @_noLocks
  private mutating func render(_ block: NodeBlock, _ hertz: Int) {
    let time = block.time(hertz: hertz)
    let late = time - due
    let hasPaused = late.nanoseconds > Self.pause || late.nanoseconds < -Self.pause
    due = time + FrameCount(block.frames).duration(at: .codec)
    renderer.pointee.render(
      Cycle(
        frames: block.frames, time: time, position: block.position, quantum: block.driver.pointee.frames,
        layout: layout,
        flags: hasPaused ? .discontinuity : .none,
        input: Block(channels: sum.channels, channelCount: layout.count, frames: block.frames),
        output: Block(channels: sum.channels, channelCount: 0, frames: block.frames)))
    quantum.store(block.driver.pointee.frames, ordering: .relaxed)
    blocks.add(1, ordering: .relaxed)
  }
}
