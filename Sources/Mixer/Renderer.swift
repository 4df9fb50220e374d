public import AudioCore

/// The engine's render side: runs the newest plan once per cycle and records what was unusual about the cycle.
public final class Renderer: RenderClient, @unchecked Sendable {
  private let handoff = Handoff<RenderPlan>()
  private let state: UnsafeMutablePointer<RendererState>
  private var records: EventRing.Reader<CycleRecord>
  /// How loud what comes in is, for whoever looks.
  public let gauge = LevelGauge()

  public override init() {
    var writer = EventRing.Writer<CycleRecord>(minimumCapacity: 256)
    records = writer.makeReader()
    state = .allocate(capacity: 1)
    state.initialize(to: RendererState(plan: handoff.renderFace, records: writer, gauge: gauge.face))
  }

  /// The stream that calls this client must have stopped. Thread: control.
  deinit {
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// For what stands in front of it in the render thread.
  var face: UnsafeMutablePointer<RendererState> { state }

  /// Thread: render.
  @_noLocks
  public override func render(_ cycle: Cycle) { state.pointee.render(cycle) }

  /// Thread: control.
  public func publish(_ plan: consuming RenderPlan) { handoff.publish(plan) }

  /// Frees what render gave back. Thread: control.
  public func reclaim() { handoff.reclaim() }

  /// What was unusual since the last call, oldest first. Thread: control.
  public func takeRecords() -> [CycleRecord] {
    var taken: [CycleRecord] = []
    while let record = records.pop() { taken.append(record) }
    return taken
  }
}

struct RendererState: ~Copyable {
  let plan: RenderFace<RenderPlan>
  var records: EventRing.Writer<CycleRecord>
  let gauge: GaugeFace
  var expectedPosition: Int64?
  var lastTime = HostTime(nanoseconds: 0)
  var lastQuantum = 0
  var lastFrames = 0

  init(plan: RenderFace<RenderPlan>, records: consuming EventRing.Writer<CycleRecord>, gauge: GaugeFace) {
    self.plan = plan
    self.gauge = gauge
    self.records = records
  }

  /// Thread: render.
  @_noLocks
  mutating func render(_ cycle: Cycle) {
    account(cycle)
    gauge.measure(cycle.input)
    guard let plan = plan.adopt() else { return }
    let known = plan.pointee.input == cycle.layout && cycle.input.channelCount == cycle.layout.count
    if !known { record(.layoutMismatch, cycle, Int64(cycle.input.channelCount)) }
    var index = 0
    while index < plan.pointee.stepCount {
      let step = plan.pointee.steps[index]
      let gains = known ? UnsafePointer(step.gains) : nil
      if !step.bus.pointee.render(cycle, gains: gains, inputs: cycle.input.channelCount) {
        record(.flooded, cycle, Int64(cycle.frames))
      }
      index += 1
    }
  }

  @_noLocks
  private mutating func account(_ cycle: Cycle) {
    if let expected = expectedPosition {
      if cycle.position != expected {
        record(.missed, cycle, cycle.position - expected)
      } else if !cycle.flags.contains(.discontinuity) {
        // A quarter period late is worth a line in the statistics; positions tell whether audio was lost. The period is
        // the one that ends here, which began with the block before.
        let period = Int64(lastFrames) * 1_000_000_000 / 48_000
        let late = (cycle.time - lastTime).nanoseconds - period
        if late > period / 4 { record(.lateWake, cycle, late) }
      }
    }
    if cycle.flags.contains(.repaired) { record(.repaired, cycle, Int64(cycle.frames)) }
    if cycle.quantum != lastQuantum {
      record(.quantumChanged, cycle, Int64(cycle.quantum))
      lastQuantum = cycle.quantum
    }
    lastTime = cycle.time
    lastFrames = cycle.frames
    expectedPosition = cycle.position + Int64(cycle.frames)
  }

  @_noLocks
  private mutating func record(_ kind: CycleRecord.Kind, _ cycle: Cycle, _ value: Int64) {
    _ = records.push(CycleRecord(kind: kind, time: cycle.time, value: value))
  }
}
