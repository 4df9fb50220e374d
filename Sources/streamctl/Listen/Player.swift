import AudioCore
import AudioIO
import PipeWireIO
import Synchronization

/// Plays what a receiver decodes into a sink, through a ring between the receiver's thread and the data thread.
///
/// It stays silent until its sink is known to be another than the one being captured: a stream that hears itself howls.
final class Player: SoundSink, @unchecked Sendable {
  private let feed: PlayerFeed
  private let stream: any AudioStream
  private let complaint = Mutex<String?>(nil)
  private let allowed = Atomic<Bool>(false)

  /// Kept between receiver and sink; more is let go when the two clocks drift apart.
  private static let target = FrameCount(1920)

  init(layout: ChannelLayout, to sink: String?, avoiding captured: String?) throws {
    feed = PlayerFeed(layout: layout, target: Self.target)
    let backend = try PipeWireBackend()
    let request = StreamRequest(
      role: .playback(to: sink.map { .named($0) } ?? .defaultSink), name: "streamctl.listen",
      description: "streamctl listen", layout: layout)
    let gate = PlayerGate()
    stream = try backend.open(request, client: feed) { gate.handler($0) }
    gate.connect { [weak self] event in self?.changed(event, captured: captured) }
    try stream.start()
  }

  func stop() { stream.stop() }

  /// Why nothing is heard, if so.
  var trouble: String? { complaint.withLock { $0 } }

  /// Thread: the backend's.
  private func changed(_ event: StreamEvent, captured: String?) {
    guard case .state(let state) = event else { return }
    switch state {
    case .running(let device) where device == captured:
      allowed.store(false, ordering: .relaxed)
      complaint.withLock {
        $0 = "not playing: \"\(device)\" is the sink being captured; use --play-to with another"
      }
    case .running:
      complaint.withLock { $0 = nil }
      allowed.store(true, ordering: .relaxed)
    case .waiting(let error): complaint.withLock { $0 = "not playing: \(error)" }
    case .stopped: break
    }
  }

  /// Thread: the receiver's.
  func receive(_ pcm: UnsafeBufferPointer<Float>, frames: FrameCount, layout: ChannelLayout) {
    guard allowed.load(ordering: .relaxed) else { return }
    feed.write(pcm, frames: frames.value)
  }
}

/// Events may come before the player is complete; they wait for it.
private final class PlayerGate: Sendable {
  private let state = Mutex<(handler: (@Sendable (StreamEvent) -> Void)?, early: [StreamEvent])>((nil, []))

  func handler(_ event: StreamEvent) {
    let known = state.withLock { state in
      if state.handler == nil { state.early.append(event) }
      return state.handler
    }
    known?(event)
  }

  func connect(_ handler: @escaping @Sendable (StreamEvent) -> Void) {
    let early = state.withLock { state in
      state.handler = handler
      defer { state.early = [] }
      return state.early
    }
    early.forEach(handler)
  }
}

/// The data thread's side.
private final class PlayerFeed: RenderClient, @unchecked Sendable {
  private struct State: ~Copyable {
    var reader: AudioRing.Reader
    let target: Int
    var primed = false
  }

  private var writer: AudioRing.Writer
  private let state: UnsafeMutablePointer<State>
  private let channels: Int

  init(layout: ChannelLayout, target: FrameCount) {
    channels = layout.count
    writer = AudioRing.Writer(channels: layout.count, minimumCapacity: 16_384)
    state = .allocate(capacity: 1)
    state.initialize(to: State(reader: writer.makeReader(), target: target.value))
  }

  deinit {
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// Thread: the receiver's. A block that does not fit is dropped.
  func write(_ pcm: UnsafeBufferPointer<Float>, frames: Int) {
    guard let span = writer.reserve(frames) else { return }
    for channel in 0..<channels {
      for frame in 0..<frames {
        let place = frame < span.firstCount ? span.first + frame : frame - span.firstCount
        writer.pointer(channel: channel, offset: place).pointee = pcm[frame * channels + channel]
      }
    }
    _ = writer.commit(frames, time: renderNow(), position: 0, quantum: frames, flags: .none)
  }

  /// Thread: render.
  @_noLocks
  override func render(_ cycle: Cycle) {
    _ = state.pointee.reader.mark()
    var held = state.pointee.reader.available.value
    if !state.pointee.primed {
      guard held >= state.pointee.target else { return }
      state.pointee.primed = true
    }
    let most = 3 * state.pointee.target + cycle.frames
    if held > most {
      state.pointee.reader.release(FrameCount(held - state.pointee.target - cycle.frames))
      held = state.pointee.target + cycle.frames
    }
    guard held >= cycle.frames, let span = state.pointee.reader.span(FrameCount(cycle.frames)) else {
      state.pointee.primed = false
      return
    }
    var channel = 0
    while channel < cycle.output.channelCount {
      let out = cycle.output.channel(channel)
      renderCopy(out, from: state.pointee.reader.pointer(channel: channel, offset: span.first), floats: span.firstCount)
      if span.secondCount > 0 {
        renderCopy(
          out + span.firstCount, from: state.pointee.reader.pointer(channel: channel, offset: 0),
          floats: span.secondCount)
      }
      channel += 1
    }
    state.pointee.reader.release(FrameCount(cycle.frames))
  }
}
