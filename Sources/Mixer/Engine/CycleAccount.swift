import AudioCore

/// What render notes of each cycle of a graph that a device drives: when it was woken, how long it took, what was lost; what
/// to leave out next time. An offline graph has none, so that nothing it makes depends on the clock.
///
/// Thread: render.
struct CycleAccount: ~Copyable {
  private var records: EventRing.Writer<GraphRecord>
  private let gauges: GraphGauges.Face
  private let rate: SampleRate
  private(set) var overload = Overload()
  private var loop = DelayLockedLoop()
  private var cycles = 0
  private var expected: Int64?
  private var lastQuantum = 0
  private var meanLoad: Float = 0
  private var peakLoad: Float = 0
  private var jitter: Float = 0
  private var lateness = HostDuration.zero
  private var wasLate = false

  /// Every so many cycles each node is timed.
  static let sampling = 64

  init(records: consuming EventRing.Writer<GraphRecord>, gauges: GraphGauges.Face, rate: SampleRate) {
    self.records = records
    self.gauges = gauges
    self.rate = rate
  }

  /// Whether each node's time is taken in the cycle that begins: now and then, and after one that took too long.
  var isSampled: Bool { @_noLocks get { wasLate || cycles % Self.sampling == 0 } }

  /// Before a cycle. True when it does not follow the one before.
  @_noLocks
  mutating func begin(_ cycle: Cycle, at now: HostTime) -> Bool {
    var isBroken = cycle.flags.contains(.discontinuity)
    if let expected, cycle.position != expected {
      record(.missed, now, cycle.position &- expected)
      isBroken = true
    }
    expected = cycle.position &+ Int64(cycle.frames)
    if cycle.quantum != lastQuantum {
      lastQuantum = cycle.quantum
      record(.quantum, now, Int64(cycle.quantum))
      loop.reset()
    }
    if isBroken { loop.reset() }
    lateness = now - loop.update(now, frames: cycle.frames, rate: rate)
    let period = nanoseconds(cycle.frames)
    if lateness.nanoseconds > period / 4 { record(.lateWake, now, lateness.nanoseconds) }
    let scatter = Float(lateness.nanoseconds < 0 ? 0 &- lateness.nanoseconds : lateness.nanoseconds)
    jitter += (scatter - jitter) * 0.01
    return isBroken
  }

  /// After a cycle. `slowest` is the node that took longest, where that was measured.
  @_noLocks
  mutating func end(_ cycle: Cycle, from started: HostTime, to now: HostTime, position: Int64, slowest: Int32) {
    let period = nanoseconds(cycle.frames)
    let spent = (now - started).nanoseconds
    let load = Float(spent) / Float(period > 0 ? period : 1)
    wasLate = load > 1
    if wasLate { record(.overrun, started, spent &- period, node: slowest) }
    if overload.judge(load, frames: cycle.frames, rate: rate.hertz) {
      record(.relief, now, Int64(overload.relief), node: slowest)
    }
    let share = Float(cycle.frames) / Float(rate.hertz)
    meanLoad += (load - meanLoad) * (share < 1 ? share : 1)
    // A tenth of it is left after some ten seconds.
    peakLoad -= peakLoad * 0.25 * (share < 1 ? share : 1)
    if load > peakLoad { peakLoad = load }
    cycles &+= 1
    gauges.begin()
    gauges.set(.cycles, cycles)
    gauges.set(.position, Int(position))
    gauges.set(.time, Int(cycle.time.nanoseconds))
    gauges.set(.frames, cycle.frames)
    gauges.set(.meanLoad, Int(meanLoad * 1e6))
    gauges.set(.peakLoad, Int(peakLoad * 1e6))
    gauges.set(.lateness, Int(lateness.nanoseconds))
    gauges.set(.drift, Int(loop.driftPPM * 1e3))
    gauges.set(.jitter, Int(jitter))
    gauges.set(.relief, overload.relief)
    gauges.end()
  }

  @_noLocks
  private func nanoseconds(_ frames: Int) -> Int64 { Int64(frames) &* 1_000_000_000 / Int64(rate.hertz) }

  @_noLocks
  private mutating func record(_ kind: GraphRecord.Kind, _ time: HostTime, _ value: Int64, node: Int32 = 0) {
    _ = records.push(GraphRecord(kind, node: node, time: time, value: value))
  }
}
