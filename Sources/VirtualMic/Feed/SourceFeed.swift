public import AudioCore
import Synchronization

/// The render side of a virtual microphone: sums what its lanes hold, exactly as many frames as a cycle asks for.
///
/// Lanes come and go while it runs. It is the client of the device's stream; whoever owns that stream says when the
/// device is dead.
public final class SourceFeed: RenderClient, @unchecked Sendable {
  public let channels: Int
  /// How loud what is recorded is, for whoever looks.
  public let gauge = LevelGauge()
  private let handoff = Handoff<LaneSet>()
  private let state: UnsafeMutablePointer<FeedState>
  private let alive = Atomic<Bool>(true)
  private let lanes = Mutex<[LaneCore]>([])
  /// Underruns of lanes that are gone.
  private let pastUnderruns = Atomic<Int>(0)

  public static let laneLimit = 16

  /// Thread: control.
  public init(channels: Int) {
    precondition((1...2).contains(channels))
    self.channels = channels
    state = .allocate(capacity: 1)
    state.initialize(to: FeedState(lanes: handoff.renderFace, gauge: gauge.face))
  }

  /// The stream that calls this client must have stopped. Thread: control.
  deinit {
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// Thread: render.
  @_noLocks
  public override func render(_ cycle: Cycle) { state.pointee.render(cycle) }

  // MARK: Thread: any but render

  public var isAlive: Bool { alive.load(ordering: .acquiring) }

  /// The device is gone for good: every lane says so from now on.
  public func die() { alive.store(false, ordering: .releasing) }

  /// Silent within one cycle, or heard again.
  public func setMuted(_ muted: Bool) { state.pointee.isMuted.store(muted, ordering: .relaxed) }

  /// A lane of its own for one voice; nil while no more fit. `now` is asked when sound is pushed without a time.
  public func openLane(now: @escaping @Sendable () -> HostTime = renderNow) -> SourceLane? {
    lanes.withLock { lanes in
      clear(&lanes)
      if lanes.count >= Self.laneLimit {
        // Nobody reads, so what is closed cannot die away either.
        guard let index = lanes.firstIndex(where: \.isClosed) else { return nil }
        forget(lanes.remove(at: index))
      }
      let lane = SourceLane(feed: self, channels: channels, now: now)
      lanes.append(lane.core)
      handoff.publish(LaneSet(lanes))
      return lane
    }
  }

  /// The lane dies away and is let go.
  public func closeLane(_ lane: SourceLane) {
    lane.discard()
    lane.core.close()
    lanes.withLock { lanes in
      if clear(&lanes) { handoff.publish(LaneSet(lanes)) }
    }
  }

  public var report: FeedReport {
    let (count, underruns) = lanes.withLock { lanes in
      if clear(&lanes) { handoff.publish(LaneSet(lanes)) } else { handoff.reclaim() }
      let open = lanes.count { !$0.isClosed }
      return (open, lanes.reduce(pastUnderruns.load(ordering: .relaxed)) { $0 + $1.underruns })
    }
    return FeedReport(
      cycles: state.pointee.cycles.load(ordering: .relaxed), lanes: count, underruns: underruns,
      quantum: FrameCount(state.pointee.quantum.load(ordering: .relaxed)), meter: state.pointee.meter.take())
  }

  /// Lets lanes go that were closed and have died away. True when there were any.
  @discardableResult private func clear(_ lanes: inout [LaneCore]) -> Bool {
    let gone = lanes.filter { $0.isClosed && $0.isQuiet }
    for core in gone { forget(core) }
    lanes.removeAll { core in gone.contains { $0 === core } }
    return !gone.isEmpty
  }

  private func forget(_ core: LaneCore) { pastUnderruns.add(core.underruns, ordering: .relaxed) }
}

/// Facts about a feed for status displays.
public struct FeedReport: Hashable, Sendable {
  public var cycles: Int
  public var lanes: Int
  /// Times a lane's sound was cut off.
  public var underruns: Int
  public var quantum: FrameCount
  public var meter: FeedMeter.Reading
}

/// The lanes that a cycle reads. Built by control, adopted whole, freed by control.
struct LaneSet: ~Copyable {
  let states: UnsafeMutablePointer<UnsafeMutablePointer<LaneState>>
  let count: Int
  /// Keeps every lane alive while a set mentions it. Never touched by render.
  private let cores: [LaneCore]

  init(_ cores: [LaneCore]) {
    self.cores = cores
    count = cores.count
    states = .allocate(capacity: max(count, 1))
    for (index, core) in cores.enumerated() { (states + index).initialize(to: core.state) }
  }

  deinit { states.deallocate() }
}

/// What the render thread keeps of a feed.
struct FeedState: ~Copyable {
  let lanes: RenderFace<LaneSet>
  let gauge: GaugeFace
  let isMuted = Atomic<Bool>(false)
  let cycles = Atomic<Int>(0)
  let quantum = Atomic<Int>(0)
  var meter = FeedMeter()
  /// 1 while heard, 0 while muted.
  private var gain: Float = 1

  init(lanes: RenderFace<LaneSet>, gauge: GaugeFace) {
    self.lanes = lanes
    self.gauge = gauge
  }

  /// Thread: render.
  @_noLocks
  mutating func render(_ cycle: Cycle) {
    if let set = lanes.adopt() {
      var index = 0
      while index < set.pointee.count {
        set.pointee.states[index].pointee.render(cycle)
        index += 1
      }
    }
    mute(cycle)
    meter.measure(cycle.output)
    gauge.measure(cycle.output)
    cycles.add(1, ordering: .relaxed)
    quantum.store(cycle.frames, ordering: .relaxed)
  }

  @_noLocks
  private mutating func mute(_ cycle: Cycle) {
    let wanted: Float = isMuted.load(ordering: .relaxed) ? 0 : 1
    guard wanted != 1 || gain != 1 else { return }
    let length = cycle.frames < LaneState.fade ? cycle.frames : LaneState.fade
    let step = wanted == gain ? 0 : (wanted - gain) / Float(length)
    var channel = 0
    while channel < cycle.output.channelCount {
      let out = cycle.output.channel(channel)
      for frame in 0..<length { out[frame] *= gain + step * Float(frame &+ 1) }
      for frame in length..<cycle.frames { out[frame] *= wanted }
      channel += 1
    }
    gain = wanted
  }
}
