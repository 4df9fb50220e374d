public import AudioCore
public import AudioIO
import Mixer
import Synchronization

/// What a sink of our own plays, played by a real sink as well, so that the host is heard while its players are on ours.
///
/// A bus of the downlink, in the real sink's channels, and a stream of ours that plays it. Both streams ask for one driver.
/// Thread: control, but for what the backend's thread tells.
public final class SinkCopy: @unchecked Sendable {
  public struct Facts: Sendable, Equatable {
    public var state: StreamState
    public var layout: ChannelLayout?
    public var underruns = 0
    public var overruns = 0
    public var missedCycles = 0
    public var droppedFrames = 0
    public var insertedFrames = 0
    public var waitingFrames = 0
  }

  /// What the stream is to the graph and to people.
  public struct Face: Sendable {
    public var name: String
    public var description: String
    public var quantum: FrameCount?
    /// Of our sink too, so that one driver runs both.
    public var group: String?
    /// Captures beside the real sink hear it too.
    public var isHeard: Bool

    public init(
      name: String, description: String, quantum: FrameCount? = nil, group: String?, isHeard: Bool = false
    ) {
      self.isHeard = isHeard
      self.name = name
      self.description = description
      self.quantum = quantum
      self.group = group
    }
  }

  private struct State {
    var bus: BusOutput?
    var isFed = false
    var isQuiet = false
    var layout: ChannelLayout?
    var stream = StreamState.stopped
  }

  private let backend: any AudioBackend
  private let downlink: Downlink
  private let face: Face
  private let player = BusPlayer()
  private let state = Mutex(State())
  private var stream: (any AudioStream)?
  private var preferred: String?

  /// Room for the longest cycle and what may gather.
  private static let capacity = FrameCount(16_384)

  public init(
    of downlink: Downlink, on backend: any AudioBackend, as face: Face, preferring sink: String?
  ) throws(BackendError) {
    self.backend = backend
    self.downlink = downlink
    self.face = face
    preferred = sink
    try open()
  }

  deinit { stream?.stop() }

  /// Plays into this sink from now on, where it exists.
  public func prefer(_ sink: String) throws(BackendError) {
    guard sink != preferred else { return }
    preferred = sink
    stop()
    try open()
  }

  private func open() throws(BackendError) {
    var request = StreamRequest(
      role: .feed(preferring: preferred), name: face.name, description: face.description, quantum: face.quantum,
      group: face.group)
    request.isHeard = face.isHeard
    let stream = try backend.open(request, client: player) { [weak self] event in self?.heed(event) }
    self.stream = stream
    try stream.start()
  }

  public func stop() {
    stream?.stop()
    stream = nil
    state.withLock { feed(false, &$0) }
  }

  /// Falls silent in a few milliseconds; then it may be stopped.
  public func quiet() {
    state.withLock { state in
      state.isQuiet = true
      state.bus?.setGain(Decibels(-.infinity))
    }
  }

  /// Twice a second.
  public func reclaim() { player.reclaim() }

  public var facts: Facts {
    let counts = player.counts
    return state.withLock { state in
      Facts(
        state: state.stream, layout: state.layout, underruns: counts.underruns, overruns: counts.overruns,
        missedCycles: counts.missedCycles, droppedFrames: counts.droppedFrames, insertedFrames: counts.insertedFrames,
        waitingFrames: counts.waiting)
    }
  }

  /// Thread: the backend's.
  private func heed(_ event: StreamEvent) {
    state.withLock { state in
      switch event {
      case .format(let format):
        feed(false, &state)
        let bus = BusOutput(layout: format.layout, capacity: Self.capacity)
        if state.isQuiet { bus.setGain(Decibels(-.infinity)) }
        state.bus = bus
        state.layout = format.layout
        player.play(bus)
      case .state(let new):
        state.stream = new
        if case .running = new { feed(true, &state) } else { feed(false, &state) }
      case .unheard: break
      }
    }
  }

  /// Written only while somebody reads: nothing gathers for a device that is not there.
  private func feed(_ isFed: Bool, _ state: inout State) {
    guard state.isFed != isFed, let bus = state.bus else { return }
    state.isFed = isFed
    if isFed { downlink.add(bus) } else { downlink.remove(bus) }
  }
}
