public import AudioCore
import Synchronization

/// Passes sound on, and into a ring for each who wants to listen in.
enum TapNode: NodeKind {
  static let kind = "tap"
  static let summary = "Passes sound on untouched and lets the host listen in."
  static let settings: [SettingSpec] = [
    .layout(),
    SettingSpec(
      "room", "how much is kept for a slow listener", .number(0.01...10), unit: .seconds, initial: .number(1)),
  ]

  static func shape(_ settings: Settings) -> NodeShape { .effect(settings.layout()) }

  static func memory(_ settings: Settings, _ rate: SampleRate) -> Int {
    let frames = Int(settings.number("room") * Double(rate.hertz))
    return 2 * frames * settings.layout().count * MemoryLayout<Float>.size
  }

  static func makeProcessor(_ context: NodeContext) -> Processor { TapProcessor(context) }
}

public struct TapState: ~Copyable {
  /// What listeners have: a bus each.
  let plan: RenderFace<RenderPlan>
  let layout: ChannelLayout
  let hertz: Int
  /// When the block after the last one should be heard.
  private var due = HostTime(nanoseconds: 0)

  /// A graph that was stopped goes on later, not a little late.
  private static var pause: Int64 { @_noLocks get { 50_000_000 } }

  init(plan: RenderFace<RenderPlan>, layout: ChannelLayout, hertz: Int) {
    self.plan = plan
    self.layout = layout
    self.hertz = hertz
  }

  /// Thread: render.
  @_noLocks
  mutating func render(_ block: NodeBlock) {
    let planes = block.carry()
    var channel = 0
    while channel < planes.count {
      let samples = planes[channel]
      for frame in 0..<block.frames { samples[frame] = finite(samples[frame]) }
      channel += 1
    }
    guard let plan = plan.adopt() else { return }
    let time = block.time(hertz: hertz)
    let late = (time - due).nanoseconds
    due = HostTime(nanoseconds: time.nanoseconds &+ Int64(block.frames) &* 1_000_000_000 / Int64(hertz))
    let heard = Block(channels: planes.channels, channelCount: planes.count, frames: block.frames)
    let cycle = Cycle(
      frames: block.frames, time: time, position: block.position, quantum: block.driver.pointee.frames, layout: layout,
      flags: late > Self.pause || late < -Self.pause ? .discontinuity : .none, input: heard,
      output: Block(channels: planes.channels, channelCount: 0, frames: block.frames))
    var index = 0
    while index < plan.pointee.stepCount {
      let step = plan.pointee.steps[index]
      // What does not fit the bus counts.
      _ = step.bus.pointee.render(cycle, gains: UnsafePointer(step.gains), inputs: planes.count)
      index += 1
    }
  }
}

/// A tap as the host sees it.
public final class TapProcessor: StateProcessor<TapState>, @unchecked Sendable {
  public let format: StreamFormat
  private let room: FrameCount
  private let handoff = Handoff<RenderPlan>()
  private let listeners = Mutex<[BusOutput]>([])

  init(_ context: NodeContext) {
    let layout = context.settings.layout()
    format = StreamFormat(rate: context.rate, layout: layout)
    room = FrameCount(max(Int(context.settings.number("room") * Double(context.rate.hertz)), context.block.value))
    super.init(context, TapState(plan: handoff.renderFace, layout: layout, hertz: context.rate.hertz))
  }

  /// Thread: render.
  @_noLocks
  public override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: TapState.self).pointee.render(block)
  }

  // MARK: Thread: any but render

  /// What is heard from now on, for one more listener. A slow one misses what its bus says it was flooded by.
  public func listen(as layout: ChannelLayout? = nil) -> BusOutput {
    let bus = BusOutput(layout: layout ?? format.layout, capacity: room)
    change { $0.append(bus) }
    return bus
  }

  public func leave(_ bus: BusOutput) { change { $0.removeAll { $0 === bus } } }

  private func change(_ edit: (inout [BusOutput]) -> Void) {
    listeners.withLock { listeners in
      edit(&listeners)
      handoff.publish(RenderPlan(input: format.layout, buses: listeners))
    }
  }
}

@section("streamd_nodes") @used
let tapNodeRecord: NodeRecord = (1, { exportNode(TapNode.self) })
