// Entry points of PipeWire's data thread. File-scope functions: a closure literal would carry the isolation of the place
// where it was written and trap here.
import AudioCore
import CLinux
import CPipeWire
import CPipeWireSystem
import Synchronization

/// What the data thread keeps per stream. Reached through a pointer, so no reference is counted.
struct StreamRender: ~Copyable {
  /// Set before the stream is connected.
  var stream: OpaquePointer?
  /// For the loop thread's callbacks only.
  var owner: Unmanaged<StreamNode>?
  let client: Unmanaged<RenderClient>
  let layout: ChannelLayout
  /// Floats from frame to frame in a captured block: the layout's channels and any that nobody hears.
  let stride: Int
  let rate: Int
  /// Closed until every link into the stream has been verified.
  let gate = Atomic<Bool>(false)
  let thread = Atomic<UInt>(0)
  let cycles = Atomic<UInt64>(0)
  let quantum = Atomic<Int>(0)
  let graphRate = Atomic<Int>(0)
  /// Next frame's position; control reads it only after the stream is gone.
  var position: Int64
  var lastTicks: UInt64 = 0
  var lastTime: Int64 = 0
  var lastFrames = 0
  var continuous = false
  let block: UnsafeMutablePointer<cpw_block>
  let planes: UnsafePointer<UnsafeMutablePointer<Float>>
  init(client: Unmanaged<RenderClient>, layout: ChannelLayout, stride: Int, rate: SampleRate, position: Int64) {
    self.client = client
    self.layout = layout
    self.stride = stride
    self.rate = rate.hertz
    self.position = position
    block = .allocate(capacity: 1)
    block.initialize(to: cpw_block())
    let offset = MemoryLayout<cpw_block>.offset(of: \.planes)!
    planes = UnsafePointer(
      (UnsafeMutableRawPointer(block) + offset).assumingMemoryBound(to: UnsafeMutablePointer<Float>.self))
  }

  deinit { block.deallocate() }

  /// Moves the clock to this cycle; frames the server skipped move the position. Thread: render.
  @_noLocks
  mutating func beginCycle(frames: Int) -> (time: HostTime, flags: CycleFlags) {
    var now: Int64 = 0
    var ticks: UInt64 = 0
    var graph: UInt32 = 0
    cpw_stream_clock(stream, &now, &ticks, &graph)
    var flags: CycleFlags = continuous ? .none : .discontinuity
    let actual = render_now_ns()
    // A driver without a clock of its own stamps nothing useful.
    if graph == 0 || now > actual &+ 1_000_000_000 || now < actual &- 1_000_000_000 { now = actual }
    if graph != 0 {
      if continuous && Int(graph) == graphRate.load(ordering: .relaxed) {
        let lost = lostFrames(ticks: ticks, graph: Int(graph), now: now, frames: frames)
        if lost != 0 { flags = .discontinuity }
        position += Int64(lost)
      } else if continuous {
        flags = .discontinuity
      }
      lastTicks = ticks
      graphRate.store(Int(graph), ordering: .relaxed)
    }
    lastTime = now
    lastFrames = frames
    continuous = true
    // Behind a resampler blocks differ by a frame while the graph's cycle stays the same.
    let change = frames - quantum.load(ordering: .relaxed)
    if change > 2 || change < -2 || Int(graph) == rate { quantum.store(frames, ordering: .relaxed) }
    if thread.load(ordering: .relaxed) == 0 { thread.store(UInt(render_thread()), ordering: .relaxed) }
    cycles.add(1, ordering: .relaxed)
    return (HostTime(nanoseconds: now), flags)
  }

  /// Frames between the last block and this one that never came. Thread: render.
  @_noLocks
  private func lostFrames(ticks: UInt64, graph: Int, now: Int64, frames: Int) -> Int {
    let ticked = ticks &- lastTicks
    // Another driver counts from another zero: then the ticks say nothing, and the times decide downstream.
    guard ticked < UInt64(graph) &* 60 else { return 0 }
    let elapsed = Int(ticked) * rate / graph
    let passed = Int((now - lastTime) / 1000) * rate / 1_000_000
    // Some drivers count a cycle when it begins, others when it ends: with a change of quantum either length is right.
    let lost = elapsed - (frames > lastFrames ? frames : lastFrames)
    // Rounding at the resampler moves the count by a frame or two; a lost cycle moves it by a quantum.
    guard lost > 12, elapsed < passed + rate / 5 else { return 0 }
    return lost
  }
}

/// Thread: render.
@_noLocks
func processCapture(_ data: UnsafeMutableRawPointer?) {
  let state = data.unsafelyUnwrapped.assumingMemoryBound(to: StreamRender.self)
  guard let stream = state.pointee.stream,
    cpw_capture_begin(stream, state.pointee.block, UInt32(truncatingIfNeeded: state.pointee.stride)) != 0
  else { return }
  renderCapture(state)
  cpw_capture_end(stream, state.pointee.block)
}

@_noLocks
private func renderCapture(_ state: UnsafeMutablePointer<StreamRender>) {
  guard state.pointee.gate.load(ordering: .acquiring) else {
    state.pointee.continuous = false
    return
  }
  let frames = Int(state.pointee.block.pointee.frames)
  let channels = state.pointee.layout.count
  guard frames > 0 else { return }
  let (time, flags) = state.pointee.beginCycle(frames: frames)
  let input = Block(
    channels: state.pointee.planes, channelCount: channels, frames: frames, stride: state.pointee.stride)
  let none = Block(channels: state.pointee.planes, channelCount: 0, frames: frames)
  renderDispatch(
    state.pointee.client,
    Cycle(
      frames: frames, time: time, position: state.pointee.position,
      quantum: state.pointee.quantum.load(ordering: .relaxed), layout: state.pointee.layout,
      flags: flags, input: input, output: none))
  state.pointee.position += Int64(frames)
}

/// Thread: render.
@_noLocks
func processPlayback(_ data: UnsafeMutableRawPointer?) {
  let state = data.unsafelyUnwrapped.assumingMemoryBound(to: StreamRender.self)
  guard let stream = state.pointee.stream, cpw_playback_begin(stream, state.pointee.block) != 0 else { return }
  let frames = Int(state.pointee.block.pointee.frames)
  let channels = Int(state.pointee.block.pointee.channels)
  if frames > 0 {
    let output = Block(channels: state.pointee.planes, channelCount: channels, frames: frames)
    let none = Block(channels: state.pointee.planes, channelCount: 0, frames: frames)
    output.silence()
    if channels == state.pointee.layout.count && state.pointee.gate.load(ordering: .acquiring) {
      let (time, flags) = state.pointee.beginCycle(frames: frames)
      renderDispatch(
        state.pointee.client,
        Cycle(
          frames: frames, time: time, position: state.pointee.position,
          quantum: state.pointee.quantum.load(ordering: .relaxed), layout: state.pointee.layout,
          flags: flags, input: none, output: output))
      state.pointee.position += Int64(frames)
    }
  }
  cpw_playback_end(stream, state.pointee.block)
}
