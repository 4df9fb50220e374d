import AudioCore
import CJACK
import CJACKSystem
import Synchronization

/// The render half of an open client: calls the render client on the memory of our ports, and changes the rate where the
/// server's is another. Reached through a pointer, so no reference is counted.
///
/// The server deals in whole periods at its rate; the client in the frames of its own that make one.
struct PortRender: ~Copyable {
  /// The most frames that are passed on at once where they are copied: longer periods come in pieces.
  static let piece = 8192

  private let client: Unmanaged<RenderClient>
  private let facts: UnsafeMutablePointer<ServerFacts>
  private let handle: OpaquePointer
  private let layout: ChannelLayout
  private let isPlayback: Bool
  private let rate: SampleRate
  private let serverRate: SampleRate
  private let ports: UnsafeMutablePointer<OpaquePointer>
  /// The ports' memory in this cycle, from the frame that is due.
  private let portPlanes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  /// Nil where both rates are the same.
  private let resampler: UnsafeMutablePointer<SincResampler>?
  /// The client's channels at its rate, and the same at the server's.
  private let planes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  private let serverPlanes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  private let storage: UnsafeMutablePointer<Float>
  private let room: Int

  /// The next frame's position; control reads it only when the process thread is gone.
  private(set) var position: Int64
  private(set) var lastTime: HostTime
  private var lastWake: HostTime?
  private var lastFrames = 0
  /// The server's count at the end of the last period; only while periods follow each other.
  private var nextFrame: UInt32 = 0
  private var isContinuous = false
  private var quantum = 0

  init(
    client: Unmanaged<RenderClient>, facts: UnsafeMutablePointer<ServerFacts>, handle: OpaquePointer,
    ports: [OpaquePointer], format: StreamFormat, serverRate: SampleRate, isPlayback: Bool, position: Int64,
    lastTime: HostTime
  ) {
    self.client = client
    self.facts = facts
    self.handle = handle
    self.isPlayback = isPlayback
    self.position = position
    self.lastTime = lastTime
    self.serverRate = serverRate
    layout = format.layout
    rate = format.rate
    let count = layout.count
    self.ports = .allocate(capacity: count)
    self.ports.initialize(from: ports, count: count)
    var room = max((Self.piece * rate.hertz + serverRate.hertz - 1) / serverRate.hertz, Self.piece) + 16
    if rate == serverRate {
      resampler = nil
    } else {
      let made = SincResampler(
        quality: .main, from: isPlayback ? rate : serverRate, to: isPlayback ? serverRate : rate, channels: count,
        chunk: FrameCount(room + 4096))
      // The first cycle also fills the filter.
      room += made.latency.value * 2
      resampler = .allocate(capacity: 1)
      resampler?.initialize(to: made)
    }
    self.room = room
    let halves = resampler == nil ? 1 : 2
    storage = .allocate(capacity: halves * count * room)
    storage.initialize(repeating: 0, count: halves * count * room)
    planes = .allocate(capacity: count)
    serverPlanes = .allocate(capacity: count)
    portPlanes = .allocate(capacity: count)
    for channel in 0..<count {
      planes[channel] = storage + channel * room
      serverPlanes[channel] = storage + ((halves - 1) * count + channel) * room
      portPlanes[channel] = planes[channel]
    }
  }

  deinit {
    resampler?.deinitialize(count: 1)
    resampler?.deallocate()
    ports.deallocate()
    portPlanes.deallocate()
    planes.deallocate()
    serverPlanes.deallocate()
    storage.deallocate()
  }

  /// One period of the server's. Thread: render.
  @_noLocks
  mutating func renderPeriod(_ frames: Int) {
    // The other side shuts the gate first and looks second: one of us always sees the other.
    facts.pointee.isInside.store(true, ordering: .sequentiallyConsistent)
    if facts.pointee.thread.load(ordering: .relaxed) == 0 {
      facts.pointee.thread.store(UInt(render_thread()), ordering: .relaxed)
    }
    if findPorts(frames) {
      if facts.pointee.isOpen.load(ordering: .sequentiallyConsistent) {
        pass(frames)
      } else {
        isContinuous = false
        if isPlayback { renderSilence(frames) }
      }
    }
    facts.pointee.isInside.store(false, ordering: .releasing)
  }

  /// A port's memory may lie elsewhere in each cycle. Thread: render.
  @_noLocks
  private func findPorts(_ frames: Int) -> Bool {
    guard frames > 0 else { return false }
    for channel in 0..<layout.count {
      guard let plane = cjack_buffer(ports[channel], UInt32(truncatingIfNeeded: frames)) else { return false }
      portPlanes[channel] = plane
    }
    return true
  }

  @_noLocks
  private func renderSilence(_ frames: Int) {
    for channel in 0..<layout.count { renderZero(portPlanes[channel], floats: frames) }
  }

  @_noLocks
  private mutating func pass(_ frames: Int) {
    var (time, flags) = begin(frames)
    var left = frames
    while left > 0 {
      let count = left < Self.piece ? left : Self.piece
      if isPlayback { renderPlayed(count, time, flags) } else { renderRecorded(count, time, flags) }
      left &-= count
      time = time + FrameCount(count).duration(at: serverRate)
      flags = .none
      for channel in 0..<layout.count { portPlanes[channel] += count }
    }
    if !facts.pointee.hasMoved.load(ordering: .relaxed) {
      facts.pointee.hasMoved.store(true, ordering: .releasing)
      facts.pointee.news.wake()
    }
  }

  /// Frames of the server's that our ports are to carry. Thread: render.
  @_noLocks
  private mutating func renderPlayed(_ frames: Int, _ time: HostTime, _ flags: CycleFlags) {
    guard let resampler else {
      renderSilence(frames)
      return call(portPlanes, frames, time, flags)
    }
    let needed = resampler.pointee.needed(for: frames)
    let asked = needed < room ? needed : room
    if asked > 0 {
      for channel in 0..<layout.count { renderZero(planes[channel], floats: asked) }
      call(planes, asked, time, flags)
      _ = resampler.pointee.feed(planes[0], frames: asked, stride: 1, channelStride: room)
    }
    let made = resampler.pointee.produce(into: serverPlanes[0], limit: frames, stride: 1, channelStride: room)
    for channel in 0..<layout.count {
      renderCopy(portPlanes[channel], from: serverPlanes[channel], floats: made)
      renderZero(portPlanes[channel] + made, floats: frames &- made)
    }
  }

  /// What came into our ports. It is copied: several clients may read the same memory. Thread: render.
  @_noLocks
  private mutating func renderRecorded(_ frames: Int, _ time: HostTime, _ flags: CycleFlags) {
    for channel in 0..<layout.count {
      renderCopy(serverPlanes[channel], from: portPlanes[channel], floats: frames)
    }
    var count = frames
    if let resampler {
      _ = resampler.pointee.feed(serverPlanes[0], frames: frames, stride: 1, channelStride: room)
      count = resampler.pointee.produce(into: planes[0], limit: room, stride: 1, channelStride: room)
    }
    if count > 0 { call(planes, count, time, flags) }
  }

  @_noLocks
  private mutating func call(
    _ planes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>, _ frames: Int, _ time: HostTime, _ flags: CycleFlags
  ) {
    let block = Block(channels: planes, channelCount: layout.count, frames: frames)
    let none = Block(channels: planes, channelCount: 0, frames: frames)
    renderDispatch(
      client,
      Cycle(
        frames: frames, time: time, position: position, quantum: quantum, layout: layout, flags: flags,
        input: isPlayback ? none : block, output: isPlayback ? block : none))
    position += Int64(frames)
    lastFrames &+= frames
  }

  /// Moves the clock to this period. What was lost moves the position. Thread: render.
  @_noLocks
  private mutating func begin(_ frames: Int) -> (HostTime, CycleFlags) {
    var frame: UInt32 = 0
    var stamp: Int64 = 0
    let actual = renderNow()
    cjack_clock(handle, &frame, &stamp)
    var now = HostTime(nanoseconds: stamp)
    // A server may count its time from elsewhere.
    if now > actual + .seconds(1) || now < actual - .seconds(1) { now = actual }
    var flags = CycleFlags.none
    if facts.pointee.isBroken.load(ordering: .acquiring) {
      facts.pointee.isBroken.store(false, ordering: .relaxed)
      flags = .discontinuity
    }
    let lost = lostFrames(before: frame, at: now)
    if !isContinuous || lost != 0 {
      flags = .discontinuity
      resampler?.pointee.reset()
      if lost > 0 { position += Int64(lost) }
    }
    nextFrame = frame &+ UInt32(truncatingIfNeeded: frames)
    lastWake = now
    lastFrames = 0
    isContinuous = true
    note(frames, at: now, isBroken: flags == .discontinuity)
    let latency = FrameCount(facts.pointee.latency.load(ordering: .relaxed)).duration(at: serverRate)
    let heard = isPlayback ? now + latency : now - latency
    if heard > lastTime { lastTime = heard }
    return (lastTime, flags)
  }

  /// Frames of ours between the last period and this one that never came. Thread: render.
  @_noLocks
  private func lostFrames(before frame: UInt32, at now: HostTime) -> Int {
    if isContinuous {
      let lost = Int(Int32(bitPattern: frame &- nextFrame))
      // A count that went back or far ahead began anew: then the time says it.
      if lost >= 0 && lost < serverRate.hertz &* 60 { return lost &* rate.hertz / serverRate.hertz }
    }
    guard let lastWake else { return 0 }
    let lost = Int((now - lastWake).nanoseconds / 1000) &* rate.hertz / 1_000_000 &- lastFrames
    return lost > 0 ? lost : 0
  }

  @_noLocks
  private mutating func note(_ frames: Int, at now: HostTime, isBroken: Bool) {
    quantum = (frames &* rate.hertz &+ serverRate.hertz / 2) / serverRate.hertz
    facts.pointee.quantum.store(quantum, ordering: .relaxed)
    facts.pointee.cycles.add(1, ordering: .relaxed)
    if isBroken {
      facts.pointee.ranFrom.store(now.nanoseconds, ordering: .relaxed)
      facts.pointee.ran.store(0, ordering: .relaxed)
    } else {
      // As long as the one that has passed: another length is a break.
      facts.pointee.ran.add(Int64(frames), ordering: .relaxed)
    }
    facts.pointee.ranUntil.store(now.nanoseconds, ordering: .relaxed)
  }
}
