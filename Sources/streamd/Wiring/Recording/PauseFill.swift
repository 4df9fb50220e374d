import AudioCore

/// Puts silence where nobody speaks, so that what comes later is where it belongs in time. It follows the sender's pace while
/// sound comes, and the clock while none does.
///
/// Thread: whoever holds the tap.
final class PauseFill: RenderClient, @unchecked Sendable {
  private let client: RenderClient
  private let state: UnsafeMutablePointer<PauseState>

  init(_ client: RenderClient, _ layout: ChannelLayout) {
    self.client = client
    state = .allocate(capacity: 1)
    state.initialize(to: PauseState(client, layout))
  }

  deinit {
    state.deinitialize(count: 1)
    state.deallocate()
  }

  @_noLocks
  override func render(_ cycle: Cycle) { state.pointee.render(cycle) }

  /// Nobody has spoken yet, or for long.
  func attend(at now: HostTime) { state.pointee.attend(at: now) }
}

private struct PauseState: ~Copyable {
  /// The filler keeps it.
  private let client: Unmanaged<RenderClient>
  private let layout: ChannelLayout
  private let silence: UnsafeMutablePointer<Float>
  private let planes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  /// Where the next frame belongs in time, and when something came last.
  private var next: HostTime?
  private var heardAt = HostTime(nanoseconds: 0)
  private var position: Int64 = 0

  /// Longer than packets are apart.
  private static var pause: Int64 { @_noLocks get { 150_000_000 } }
  /// Packets that follow a pause may come so late.
  private static let unrest = HostDuration.milliseconds(60)
  private static var chunk: Int { @_noLocks get { 1024 } }

  init(_ client: RenderClient, _ layout: ChannelLayout) {
    self.client = .passUnretained(client)
    self.layout = layout
    silence = .allocate(capacity: Self.chunk)
    silence.initialize(repeating: 0, count: Self.chunk)
    planes = .allocate(capacity: layout.count)
    planes.initialize(repeating: silence, count: layout.count)
  }

  deinit {
    planes.deallocate()
    silence.deallocate()
  }

  @_noLocks
  mutating func render(_ cycle: Cycle) {
    if (cycle.time - heardAt).nanoseconds > Self.pause { fill(until: cycle.time) }
    heardAt = cycle.time
    pass(cycle.input, at: cycle.time)
  }

  mutating func attend(at now: HostTime) {
    guard (now - heardAt).nanoseconds > Self.pause else { return }
    fill(until: now - Self.unrest)
  }

  @_noLocks
  private mutating func fill(until time: HostTime) {
    guard let begun = next else {
      next = time
      return
    }
    var missing = SampleRate.codec.frames(in: time - begun).value
    while missing > 0 {
      let count = missing < Self.chunk ? missing : Self.chunk
      pass(Block(channels: planes, channelCount: layout.count, frames: count), at: time)
      missing -= count
    }
  }

  @_noLocks
  private mutating func pass(_ block: Block, at time: HostTime) {
    let begin = next ?? time
    renderDispatch(
      client,
      Cycle(
        frames: block.frames, time: begin, position: position, quantum: block.frames, layout: layout, flags: .none,
        input: block, output: Block(channels: planes, channelCount: 0, frames: block.frames)))
    position += Int64(block.frames)
    next = begin + FrameCount(block.frames).duration(at: .codec)
  }
}
