public import AudioCore
import Synchronization

/// A backend under virtual time: nothing happens until somebody pumps `advance`. The same render code as on a real
/// server, deterministic, and as fast as the machine allows.
public final class OfflineBackend: AudioBackend {
  public let name = "offline"
  public let roles = Set(StreamRole.Kind.allCases)

  /// The value of a channel at a frame position: what the pretended device plays.
  public typealias Signal = @Sendable (_ channel: Int, _ position: Int64) -> Float

  public struct Domain: Sendable {
    public var quantum: Int
    public var layout: ChannelLayout
    /// How far the device's clock runs from the host's.
    public var ppm: Double
    public var faults: FaultScript
    public var signal: Signal

    public init(
      quantum: Int = 256, layout: ChannelLayout = .stereo, ppm: Double = 0, faults: FaultScript = FaultScript(),
      signal: @escaping Signal = { _, _ in 0 }
    ) {
      self.quantum = quantum
      self.layout = layout
      self.ppm = ppm
      self.faults = faults
      self.signal = signal
    }
  }

  private let domain: Domain
  private let streams = Mutex<[OfflineStream]>([])

  public init(_ domain: Domain = Domain()) { self.domain = domain }

  public func open(
    _ request: StreamRequest, client: RenderClient, events: @escaping @Sendable (StreamEvent) -> Void
  ) throws(BackendError) -> any AudioStream {
    let stream = OfflineStream(request: request, domain: domain, client: client, events: events)
    streams.withLock { $0.append(stream) }
    return stream
  }

  /// Runs one cycle of every stream. Thread: the one that pumps; it is the render thread of every stream.
  public func advance() {
    for stream in streams.withLock({ $0 }) { stream.cycle() }
  }

  /// Runs cycles until virtual time has moved by `duration`.
  public func advance(by duration: HostDuration) {
    let end = now + duration
    // Without a stream there is no clock to wait for.
    while now < end && streams.withLock({ !$0.isEmpty }) { advance() }
  }

  /// The latest virtual time of any stream.
  public var now: HostTime { streams.withLock { $0.map(\.now).max() ?? HostTime(nanoseconds: 0) } }
}

/// One stream of the offline backend.
public final class OfflineStream: AudioStream {
  private struct State {
    var running = false
    var cycle = 0
    var position: Int64 = 0
    var time = 0.0
    var quantum: Int
    var layout: ChannelLayout
    var absentCycles = 0
    var absence: BackendError?
    var announced: StreamFormat?
    var jumped = false
    var report = StreamReport()
    var played: [[Float]] = []
  }

  private let request: StreamRequest
  private let domain: OfflineBackend.Domain
  private let client: RenderClient
  private let events: @Sendable (StreamEvent) -> Void
  private let state: Mutex<State>
  /// Held while the client renders.
  private let rendering = Mutex(())

  init(
    request: StreamRequest, domain: OfflineBackend.Domain, client: RenderClient,
    events: @escaping @Sendable (StreamEvent) -> Void
  ) {
    self.request = request
    self.domain = domain
    self.client = client
    self.events = events
    state = Mutex(State(quantum: domain.quantum, layout: request.layout ?? domain.layout))
  }

  public func start() throws(BackendError) {
    let new = state.withLock { state -> StreamState? in
      guard !state.running else { return nil }
      state.running = true
      // What happened while nobody listened is no continuous stream.
      state.jumped = state.report.cycles > 0
      return state.absence.map { .waiting($0) } ?? .running(device: "offline")
    }
    if let new { announce(new) }
  }

  public func stop() {
    let was = state.withLock { state in
      defer { state.running = false }
      return state.running
    }
    // Whoever pumps may be in the client right now.
    rendering.withLock { _ in }
    if was { announce(.stopped) }
  }

  public var report: StreamReport { state.withLock { $0.report } }

  /// What a playback stream was given so far, per channel; then forgotten.
  public func takePlayed() -> [[Float]] {
    state.withLock { state in
      defer { state.played = [] }
      return state.played
    }
  }

  public var now: HostTime { state.withLock { HostTime(nanoseconds: Int64($0.time)) } }

  private func announce(_ new: StreamState) {
    state.withLock { $0.report.state = new }
    events(.state(new))
  }

  /// Thread: the pump.
  func cycle() {
    var late = HostDuration.zero
    let faults = state.withLock { domain.faults.faults(at: $0.cycle) }
    for fault in faults { apply(fault, &late) }
    let (go, back) = state.withLock { state in step(&state) }
    if back { announce(.running(device: "offline")) }
    if go { renderCycle(late: late) }
    state.withLock { state in
      state.cycle += 1
      state.position += Int64(state.quantum)
      state.time += duration(of: state.quantum)
    }
  }

  private func duration(of frames: Int) -> Double {
    Double(frames) * 1e9 / Double(request.rate.hertz) / (1 + domain.ppm * 1e-6)
  }

  private func step(_ state: inout State) -> (go: Bool, back: Bool) {
    guard state.absentCycles > 0 else { return (state.running, false) }
    state.absentCycles -= 1
    guard state.absentCycles == 0 else { return (false, false) }
    state.absence = nil
    state.jumped = true
    return (false, state.running)
  }

  private func apply(_ fault: FaultScript.Fault, _ late: inout HostDuration) {
    switch fault {
    case .lateWake(let by): late = by
    case .quantum(let frames): state.withLock { $0.quantum = frames }
    case .layout(let layout): state.withLock { $0.layout = layout }
    case .missedCycles(let count):
      state.withLock { state in
        state.position += Int64(count * state.quantum)
        state.time += duration(of: count * state.quantum)
        state.jumped = true
      }
    case .deviceLost(let cycles):
      leave(cycles, BackendError(.deviceLost, "the device went away"))
    case .serverLost(let cycles):
      leave(cycles, BackendError(.serverUnavailable, "the server went away"))
    }
  }

  private func leave(_ cycles: Int, _ error: BackendError) {
    let isNews = state.withLock { state in
      defer { state.absence = error }
      state.absentCycles = max(cycles, 1)
      return state.running && state.absence != error
    }
    if isNews { announce(.waiting(error)) }
  }

  private func renderCycle(late: HostDuration) {
    let state = state.withLock { $0 }
    let format = StreamFormat(rate: request.rate, layout: state.layout)
    if state.announced != format {
      self.state.withLock {
        $0.announced = format
        $0.report.format = format
      }
      events(.format(format))
    }
    let isInput = [.capture, .monitor, .streams, .virtualSink].contains(request.role.kind)
    let count = state.layout.count
    let samples = UnsafeMutablePointer<Float>.allocate(capacity: count * state.quantum)
    let channels = UnsafeMutablePointer<UnsafeMutablePointer<Float>>.allocate(capacity: count)
    defer {
      samples.deallocate()
      channels.deallocate()
    }
    for channel in 0..<count {
      channels[channel] = samples + channel * state.quantum
      for frame in 0..<state.quantum {
        channels[channel][frame] = isInput ? domain.signal(channel, state.position + Int64(frame)) : 0
      }
    }
    let block = Block(channels: channels, channelCount: count, frames: state.quantum)
    let none = Block(channels: channels, channelCount: 0, frames: state.quantum)
    let time = HostTime(nanoseconds: Int64(state.time)) + late
    let cycle = Cycle(
      frames: state.quantum, time: time, position: state.position, quantum: state.quantum, layout: state.layout,
      flags: state.jumped ? .discontinuity : [], input: isInput ? block : none, output: isInput ? none : block)
    let rendered = rendering.withLock { _ in
      guard self.state.withLock({ $0.running }) else { return false }
      renderDispatch(Unmanaged.passUnretained(client), cycle)
      return true
    }
    guard rendered else { return }
    self.state.withLock {
      $0.jumped = false
      $0.report.cycles += 1
      $0.report.quantum = state.quantum
      $0.report.graphRate = request.rate.hertz
      if [.virtualSink, .virtualSource].contains(request.role.kind) {
        $0.report.users = 1
        $0.report.isDriven = true
      }
      guard !isInput else { return }
      if $0.played.count != count { $0.played = Array(repeating: [], count: count) }
      for channel in 0..<count {
        $0.played[channel].append(contentsOf: UnsafeBufferPointer(start: channels[channel], count: state.quantum))
      }
    }
  }
}
