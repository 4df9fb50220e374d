import AudioCore
import AudioIO
import PipeWireIO
import Synchronization

/// What a microphone of this computer hears, through a ring between the data thread and the sender.
final class SourceSound: MicSound, @unchecked Sendable {
  let isLive = true
  /// Wakes the sender when a packet is full.
  let signal: WakeSignal
  private let tape: SourceTape
  private let stream: any AudioStream
  private let state: SourceState
  private var reader: AudioRing.Reader
  private let order: [Int]

  /// Older sound is let go: a sender that was held up goes on with what is said now.
  private static let backlog = HostDuration.milliseconds(200)

  /// `name` is a microphone's node name, nil the user's default.
  init(_ name: String?, channels: Int, remote: String = "") throws(BackendError) {
    let layout: ChannelLayout = channels == 1 ? .mono : .stereo
    let signal = WakeSignal()
    let tape = SourceTape(channels: channels, wake: signal)
    let state = SourceState()
    (self.signal, self.tape, self.state) = (signal, tape, state)
    order = Array(0..<channels)
    reader = tape.makeReader()
    let request = StreamRequest(
      role: .capture(source: name), name: "streamctl.mic", description: "streamctl mic send", layout: layout,
      quantum: 480)
    stream = try PipeWireBackend(remote: remote).open(request, client: tape) { event in
      guard case .state(let new) = event else { return }
      state.last.withLock { $0 = new }
      signal.wake()
    }
    try stream.start()
  }

  func stop() { stream.stop() }

  /// Whether it is heard, and if not why.
  var streamState: StreamState { state.last.withLock { $0 } }

  func fill(_ samples: UnsafeMutableBufferPointer<Float>) -> MicSoundOutcome {
    let frames = FrameCount(samples.count / order.count)
    let most = SampleRate.codec.frames(in: Self.backlog) + frames
    let held = reader.available
    var gone = FrameCount(0)
    if held > most {
      gone = held - frames
      reader.release(gone)
    }
    guard reader.want(frames), reader.readInterleaved(frames, order: order, into: samples.baseAddress!) else {
      return .waiting
    }
    return .filled(after: gone.value)
  }
}

private final class SourceState: Sendable {
  let last = Mutex<StreamState>(.stopped)
}

/// The data thread's side.
private final class SourceTape: RenderClient, @unchecked Sendable {
  private struct State: ~Copyable {
    var ring: AudioRing.Writer
    let wake: UnsafeMutablePointer<WakeWord>
  }

  private let state: UnsafeMutablePointer<State>
  /// Kept for the render face's sake.
  private let signal: WakeSignal

  init(channels: Int, wake: WakeSignal) {
    signal = wake
    state = .allocate(capacity: 1)
    // Room for the longest cycles and what a sender may lag.
    state.initialize(
      to: State(ring: AudioRing.Writer(channels: channels, minimumCapacity: 32_768), wake: wake.renderFace))
  }

  deinit {
    state.deinitialize(count: 1)
    state.deallocate()
  }

  func makeReader() -> AudioRing.Reader { state.pointee.ring.makeReader() }

  /// A block that does not fit is dropped. Thread: render.
  @_noLocks
  override func render(_ cycle: Cycle) {
    let state = self.state
    guard let span = state.pointee.ring.reserve(cycle.frames) else { return }
    let stride = cycle.input.stride
    var channel = 0
    while channel < state.pointee.ring.channels {
      let from = cycle.input.channel(channel)
      let first = state.pointee.ring.pointer(channel: channel, offset: span.first)
      let second = state.pointee.ring.pointer(channel: channel, offset: 0)
      for frame in 0..<span.firstCount { first[frame] = from[frame &* stride] }
      for frame in 0..<span.secondCount { second[frame] = from[(span.firstCount &+ frame) &* stride] }
      channel += 1
    }
    _ = state.pointee.ring.commit(
      cycle.frames, time: cycle.time, position: cycle.position, quantum: cycle.quantum, flags: cycle.flags)
    if state.pointee.ring.isWanted { state.pointee.wake.wake() }
  }
}
