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
  /// Floats from frame to frame in a captured block: the layout's channels and the monitor's copy of them.
  let stride: Int
  /// For a capture beside a sink.
  let copy: UnsafeMutablePointer<MonitorCopy>?
  let rate: Int
  /// Shut until every link into the stream has been verified.
  let gate = Atomic<Gate>(.shut)
  var fade: GateFade
  /// A sound that was to fade has faded.
  let isSilent = Atomic<Bool>(false)
  /// The graph has had no need of the stream since its last cycle.
  let hasPaused = Atomic<Bool>(false)
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

  enum Gate: UInt8, AtomicRepresentable {
    case shut, open
    /// Open, but what passes dies away.
    case fading
  }

  init(
    client: Unmanaged<RenderClient>, layout: ChannelLayout, copy use: MonitorCopy.Use, fadesIn: Bool,
    rate: SampleRate, position: Int64
  ) {
    self.client = client
    fade = GateFade(channels: layout.count, isUp: !fadesIn)
    self.layout = layout
    stride = use != .none ? layout.count * 2 : layout.count
    self.rate = rate.hertz
    self.position = position
    if use != .none {
      let copy = UnsafeMutablePointer<MonitorCopy>.allocate(capacity: 1)
      copy.initialize(to: MonitorCopy(channels: layout.count, repairs: use == .repairs))
      self.copy = copy
    } else {
      copy = nil
    }
    block = .allocate(capacity: 1)
    block.initialize(to: cpw_block())
    let offset = MemoryLayout<cpw_block>.offset(of: \.planes)!
    planes = UnsafePointer(
      (UnsafeMutableRawPointer(block) + offset).assumingMemoryBound(to: UnsafeMutablePointer<Float>.self))
  }

  deinit {
    block.deallocate()
    copy?.deinitialize(count: 1)
    copy?.deallocate()
  }

  /// Moves the clock to this cycle; frames the server skipped move the position. Thread: render.
  @_noLocks
  mutating func beginCycle(frames: Int) -> (time: HostTime, flags: CycleFlags, lost: Int) {
    var now: Int64 = 0
    var ticks: UInt64 = 0
    var graph: UInt32 = 0
    var isResumed = false
    cpw_stream_clock(stream, &now, &ticks, &graph)
    if hasPaused.load(ordering: .acquiring) {
      hasPaused.store(false, ordering: .relaxed)
      isResumed = true
    }
    var flags: CycleFlags = continuous && !isResumed ? .none : .discontinuity
    var lost = 0
    let actual = render_now_ns()
    // A driver without a clock of its own stamps nothing useful.
    if graph == 0 || now > actual &+ 1_000_000_000 || now < actual &- 1_000_000_000 { now = actual }
    if graph != 0 {
      if continuous && Int(graph) == graphRate.load(ordering: .relaxed) {
        lost = lostFrames(ticks: ticks, graph: Int(graph), now: now, frames: frames)
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
    return (HostTime(nanoseconds: now), flags, lost)
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
  guard state.pointee.gate.load(ordering: .acquiring) != .shut else {
    state.pointee.continuous = false
    state.pointee.fade.drop()
    return
  }
  let frames = Int(state.pointee.block.pointee.frames)
  guard frames > 0 else { return }
  let before = (frames: state.pointee.lastFrames, time: state.pointee.lastTime)
  let (time, flags, lost) = state.pointee.beginCycle(frames: frames)
  guard let copy = state.pointee.copy else { return pass(state, frames, time: time, flags: flags) }
  passBeside(state, copy, frames, time: time, flags: flags, lost: lost, before: before)
}

/// A block that the sink plays with its next cycle, after what we lack of the one before and the monitor's copy has.
/// Thread: render.
@_noLocks
private func passBeside(
  _ state: UnsafeMutablePointer<StreamRender>, _ copy: UnsafeMutablePointer<MonitorCopy>, _ frames: Int,
  time: HostTime, flags: CycleFlags, lost: Int, before: (frames: Int, time: Int64)
) {
  let samples = UnsafePointer(state.pointee.planes[0])
  let stride = state.pointee.stride
  let rate = state.pointee.rate
  let copied = samples + state.pointee.layout.count
  var flags = flags
  if lost != 0 {
    if copy.pointee.isTrusted && frames == before.frames && lost > frames - 12
      && copy.pointee.isNew(copied, stride: stride, frames: frames)
    {
      // The server did not run us, but the sink: what it played is in the monitor now. Of several cycles the last.
      let isWhole = lost - frames < 12
      state.pointee.position -= Int64(isWhole ? lost : frames)
      pass(state, frames, copy: 0, time: time, flags: isWhole ? .none : flags)
      flags = .none
    }
  } else if !flags.contains(.discontinuity) {
    let elapsed = time.nanoseconds &- before.time
    let isResampled = state.pointee.graphRate.load(ordering: .relaxed) != rate
    if elapsed < nanoseconds(before.frames, rate) * 3 / 2 {
      copy.pointee.check(copied, stride: stride, frames: frames, isResampled: isResampled)
    }
    // The quantum grew while a cycle ran: sources and sink were in the longer one already, we got its beginning.
    let rest = frames - before.frames
    if rest > 12
      && copy.pointee.isContinued(copied, stride: stride, frames: frames, isResampled: isResampled)
    {
      let start = HostTime(nanoseconds: time.nanoseconds + nanoseconds(before.frames, rate))
      pass(state, rest, copy: before.frames, time: start, flags: .none)
    }
  }
  copy.pointee.keep(samples, stride: stride, frames: frames)
  // When the quantum shrinks the sink still has the longer cycle to play.
  let isContinuous = !flags.contains(.discontinuity) && before.frames > frames
  let due = time.nanoseconds + nanoseconds(isContinuous ? before.frames : frames, rate)
  pass(state, frames, time: HostTime(nanoseconds: due), flags: flags)
}

@_noLocks
private func nanoseconds(_ frames: Int, _ rate: Int) -> Int64 { Int64(frames) * 1_000_000_000 / Int64(rate) }

/// Gives the client a block: its own, or the copy's from a frame on. Thread: render.
@_noLocks
private func pass(
  _ state: UnsafeMutablePointer<StreamRender>, _ frames: Int, copy from: Int? = nil, time: HostTime, flags: CycleFlags
) {
  let channels = state.pointee.layout.count
  var planes = state.pointee.planes
  var flags = flags
  if let from {
    flags = CycleFlags(rawValue: flags.rawValue | CycleFlags.repaired.rawValue)
    // The copy's channels lie behind ours. What these point to is written anew for each block.
    planes += channels
    let moved = UnsafeMutablePointer(mutating: planes)
    for channel in 0..<channels { moved[channel] += from &* state.pointee.stride }
  }
  var input = Block(
    channels: planes, channelCount: channels, frames: frames, stride: state.pointee.stride)
  let isLeaving = state.pointee.gate.load(ordering: .acquiring) == .fading
  if !isLeaving && state.pointee.fade.isUp {
    state.pointee.fade.note(end: time.nanoseconds + nanoseconds(frames, state.pointee.rate))
  } else if state.pointee.fade.shape(
    input, isLeaving: isLeaving, time: time.nanoseconds, rate: state.pointee.rate)
  {
    input = Block(channels: UnsafePointer(state.pointee.fade.planes), channelCount: channels, frames: frames)
  }
  let none = Block(channels: planes, channelCount: 0, frames: frames)
  renderDispatch(
    state.pointee.client,
    Cycle(
      frames: frames, time: time, position: state.pointee.position,
      quantum: state.pointee.quantum.load(ordering: .relaxed), layout: state.pointee.layout,
      flags: flags, input: input, output: none))
  state.pointee.position += Int64(frames)
  if isLeaving && state.pointee.fade.isDown { state.pointee.isSilent.store(true, ordering: .releasing) }
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
    if channels == state.pointee.layout.count && state.pointee.gate.load(ordering: .acquiring) != .shut {
      let (time, flags, _) = state.pointee.beginCycle(frames: frames)
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
