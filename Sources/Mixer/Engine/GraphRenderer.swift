public import AudioCore
import Synchronization

/// The engine's render side: runs the newest plan, in blocks, whatever the length of the driver's cycles.
public final class GraphRenderer: RenderClient, @unchecked Sendable {
  private let state: UnsafeMutablePointer<GraphRendererState>
  /// Owns the plans that render sees.
  private let handoff: Handoff<GraphPlan>
  private let gauges = GraphGauges()
  private var records: EventRing.Reader<GraphRecord>

  /// `isLive` is for a graph that a device drives: its cycles are timed, and what is too much is left out.
  init(_ handoff: Handoff<GraphPlan>, rate: SampleRate, isLive: Bool) {
    self.handoff = handoff
    var writer = EventRing.Writer<GraphRecord>(minimumCapacity: 256)
    records = writer.makeReader()
    state = .allocate(capacity: 1)
    state.initialize(
      to: GraphRendererState(
        face: handoff.renderFace, rate: rate,
        account: isLive ? CycleAccount(records: writer, gauges: gauges.face, rate: rate) : nil))
  }

  /// Lets sound out, or fades it out. Only a live graph has a gate, which is closed at first. Thread: any.
  public func setOpen(_ isOpen: Bool) { state.pointee.gate.isWanted.store(isOpen, ordering: .relaxed) }

  /// Nothing is let out, down to the last sample that render has made. Thread: any.
  public var isSilent: Bool { state.pointee.gate.isShut.load(ordering: .acquiring) }

  /// As of the last cycle. Thread: any but render.
  public var facts: GraphFacts { gauges.facts }

  /// What went wrong since the last call, oldest first. Thread: control.
  public func takeRecords() -> [GraphRecord] {
    var taken: [GraphRecord] = []
    while let record = records.pop() { taken.append(record) }
    return taken
  }

  /// The stream that calls this client must have stopped. Thread: control.
  deinit {
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// Thread: render.
  @_noLocks
  public override func render(_ cycle: Cycle) { state.pointee.render(cycle) }
}

/// Whether a graph's driver is to hear it.
struct OutputGate: ~Copyable {
  let isWanted = Atomic<Bool>(false)
  let isShut = Atomic<Bool>(true)
}

struct GraphRendererState: ~Copyable {
  private let face: RenderFace<GraphPlan>
  private let driver: UnsafeMutablePointer<DriverCycle>
  private let noChannels: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  /// Nil where nothing may depend on the clock.
  private let account: UnsafeMutablePointer<CycleAccount>?
  /// Whose orders have been taken.
  private var generation = 0
  private var position: Int64 = 0
  let gate = OutputGate()
  /// How far the output has risen, in frames: after a break, and while the gate opens or closes.
  private var height = 0
  private let rise: Int

  init(face: RenderFace<GraphPlan>, rate: SampleRate, account: consuming CycleAccount?) {
    self.face = face
    if let account = consume account {
      let cell = UnsafeMutablePointer<CycleAccount>.allocate(capacity: 1)
      cell.initialize(to: account)
      self.account = cell
    } else {
      self.account = nil
    }
    rise = rate.frames(in: .milliseconds(5)).value
    noChannels = .allocate(capacity: 1)
    let none = Block(channels: noChannels, channelCount: 0, frames: 0)
    driver = .allocate(capacity: 1)
    driver.initialize(to: DriverCycle(input: none, output: none, offset: 0))
  }

  deinit {
    account?.deinitialize(count: 1)
    account?.deallocate()
    driver.deallocate()
    noChannels.deallocate()
  }

  /// Thread: render.
  @_noLocks
  mutating func render(_ cycle: Cycle) {
    guard let account else { return renderFrames(cycle, relief: 0, times: false) }
    let started = renderNow()
    let first = position
    if account.pointee.begin(cycle, at: started) { height = 0 }
    let times = account.pointee.isSampled
    renderFrames(cycle, relief: account.pointee.overload.relief, times: times)
    soften(cycle, isOpen: gate.isWanted.load(ordering: .relaxed))
    account.pointee.end(cycle, from: started, to: renderNow(), position: first, slowest: times ? slowest() : 0)
  }

  @_noLocks
  private mutating func renderFrames(_ cycle: Cycle, relief: Int, times: Bool) {
    guard let plan = face.adopt() else { return }
    if plan.pointee.generation != generation {
      generation = plan.pointee.generation
      var index = 0
      while index < plan.pointee.orderCount {
        let order = plan.pointee.orders[index]
        order.state.take(order)
        index += 1
      }
    }
    driver.pointee.input = cycle.input
    driver.pointee.output = cycle.output
    driver.pointee.frames = cycle.frames
    driver.pointee.time = cycle.time
    guard relief < 2 else {
      position &+= Int64(cycle.frames)
      height = 0
      return
    }
    var done = 0
    while done < cycle.frames {
      let left = cycle.frames &- done
      let frames = left < plan.pointee.block ? left : plan.pointee.block
      driver.pointee.offset = done
      if times {
        renderTimed(plan, frames, relief, adds: done > 0)
      } else {
        renderBlock(plan, frames, relief)
      }
      done &+= frames
    }
  }

  /// What follows a break rises from nothing; what a closing gate still lets out falls to it.
  @_noLocks
  private mutating func soften(_ cycle: Cycle, isOpen: Bool) {
    guard !isOpen || height < rise else { return }
    let step = 1 / Float(rise)
    let change = isOpen ? 1 : -1
    var channel = 0
    while channel < cycle.output.channelCount {
      let samples = cycle.output.channel(channel)
      var now = height
      for frame in 0..<cycle.frames {
        samples[frame] *= Float(now) * step
        let next = now &+ change
        now = next < 0 ? 0 : (next > rise ? rise : next)
      }
      channel += 1
    }
    let last = height &+ change &* cycle.frames
    height = last < 0 ? 0 : (last > rise ? rise : last)
    gate.isShut.store(height == 0, ordering: .releasing)
  }

  /// Thread: render.
  @_noLocks
  private mutating func renderBlock(_ plan: UnsafeMutablePointer<GraphPlan>, _ frames: Int, _ relief: Int) {
    var step = plan.pointee.steps
    let end = step + plan.pointee.stepCount
    while step < end {
      run(step, frames, relief)
      step += 1
    }
    position &+= Int64(frames)
  }

  /// As `renderBlock`, and takes each step's time.
  @_noLocks
  private mutating func renderTimed(
    _ plan: UnsafeMutablePointer<GraphPlan>, _ frames: Int, _ relief: Int, adds: Bool
  ) {
    var index = 0
    var began = renderNow()
    while index < plan.pointee.stepCount {
      run(plan.pointee.steps + index, frames, relief)
      let now = renderNow()
      let spent = Int32(truncatingIfNeeded: (now - began).nanoseconds)
      plan.pointee.times[index] = adds ? plan.pointee.times[index] &+ spent : spent
      began = now
      index += 1
    }
    position &+= Int64(frames)
  }

  @_noLocks
  private func slowest() -> Int32 {
    guard let plan = face.adopt() else { return 0 }
    var index = 0
    var longest: Int32 = -1
    var node: Int32 = 0
    while index < plan.pointee.stepCount {
      if plan.pointee.times[index] > longest {
        longest = plan.pointee.times[index]
        node = plan.pointee.steps[index].node
      }
      index += 1
    }
    return node
  }

  @_noLocks @inline(__always)
  private func run(_ step: UnsafeMutablePointer<GraphPlan.Step>, _ frames: Int, _ relief: Int) {
    guard let processor = step.pointee.processor else { return sum(step, frames) }
    let block = NodeBlock(
      frames: frames, position: position, inputs: step.pointee.inputs, inputCount: Int(step.pointee.inputCount),
      outputs: step.pointee.outputs, outputCount: Int(step.pointee.outputCount), driver: driver,
      isLast: step.pointee.isLast)
    if relief > 0, step.pointee.isMeter {
      _ = block.carry()
    } else {
      renderNode(processor, block, step.pointee.memory)
    }
  }

  @_noLocks
  private func sum(_ step: UnsafeMutablePointer<GraphPlan.Step>, _ frames: Int) {
    let into = step.pointee.outputs.pointee
    var isFirst = true
    var index = 0
    while index < Int(step.pointee.itemCount) {
      let item = step.pointee.items[index]
      if item.state.mix(item, into: into.channels, frames: frames, isFirst: isFirst) { isFirst = false }
      index += 1
    }
    guard isFirst else { return }
    var channel = 0
    while channel < into.count {
      renderZero(into.channels[channel], floats: frames)
      channel += 1
    }
  }
}
