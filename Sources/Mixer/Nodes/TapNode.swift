public import AudioCore
import Synchronization

/// Passes sound on and into a ring, for whoever wants to listen in.
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

  static func makeProcessor(_ context: NodeContext) -> Processor {
    let room = Int(context.settings.number("room") * Double(context.rate.hertz))
    return TapProcessor(
      context,
      TapState(
        ring: AudioRing.Writer(
          channels: context.settings.layout().count, minimumCapacity: FrameCount(max(room, context.block.value)),
          marks: room / 16 + 16)))
  }
}

public struct TapState: ~Copyable {
  var ring: AudioRing.Writer
  let isHeard = Atomic<Bool>(false)
  let lost = Atomic<Int>(0)

  init(ring: consuming AudioRing.Writer) { self.ring = ring }

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
    guard isHeard.load(ordering: .acquiring) else { return }
    guard let span = ring.reserve(block.frames) else {
      lost.add(block.frames, ordering: .relaxed)
      return
    }
    channel = 0
    while channel < planes.count {
      renderCopy(ring.pointer(channel: channel, offset: span.first), from: planes[channel], floats: span.firstCount)
      renderCopy(
        ring.pointer(channel: channel, offset: 0), from: planes[channel] + span.firstCount, floats: span.secondCount)
      channel += 1
    }
    let time = HostTime(nanoseconds: 0)
    if !ring.commit(block.frames, time: time, position: block.position, quantum: block.frames, flags: .none) {
      lost.add(block.frames, ordering: .relaxed)
    }
  }
}

/// A tap as the host sees it.
public final class TapProcessor: StateProcessor<TapState>, @unchecked Sendable {
  private var isTaken = false

  /// Thread: render.
  @_noLocks
  public override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: TapState.self).pointee.render(block)
  }

  /// The listener's end; nil for all but the first. What was heard before is not in it. Thread: control.
  public func listen() -> AudioRing.Reader? {
    guard !isTaken else { return nil }
    isTaken = true
    let reader = state.pointee.ring.makeReader()
    state.pointee.isHeard.store(true, ordering: .releasing)
    return reader
  }

  /// Frames that a slow listener missed. Thread: any.
  public var lost: FrameCount { FrameCount(state.pointee.lost.load(ordering: .relaxed)) }
}

@section("streamd_nodes") @used
let tapNodeRecord: NodeRecord = (1, { exportNode(TapNode.self) })
