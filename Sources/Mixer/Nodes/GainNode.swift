import AudioCore

/// A gain that can be moved, and a mute.
enum GainNode: NodeKind {
  static let kind = "gain"
  static let summary = "Makes sound louder or softer."
  static let settings: [SettingSpec] = [.layout()]
  static let parameters: [ParameterSpec] = [.gain("gain", "the gain"), .toggle("mute", "silence")]

  static func shape(_ settings: Settings) -> NodeShape { .effect(settings.layout()) }
  static func makeProcessor(_ context: NodeContext) -> Processor {
    GainProcessor(context, GainState(context.parameters))
  }
}

struct GainState: ~Copyable {
  private var gain: LiveParameter
  private var mute: LiveParameter
  private var kernel = SumKernel(inputs: 1)

  init(_ parameters: ParameterBlock) {
    gain = parameters.live("gain")
    mute = parameters.live("mute")
  }

  /// Thread: render.
  @_noLocks
  mutating func render(_ block: NodeBlock) {
    gain.refresh()
    mute.refresh()
    // In one place: two that may be the same would keep the loop from using vectors.
    let planes = block.carry()
    let (gains, mutes) = (gain.ramp, mute.ramp)
    var channel = 0
    while channel < planes.count {
      let samples = planes[channel]
      if gains.isSettled && mutes.isSettled {
        let factor = gains.value * (1 - mutes.value)
        kernel.begin()
        kernel.add(samples, gain: factor)
        kernel.sum(into: samples, frames: block.frames)
      } else {
        // Each channel goes the same way.
        (gain.ramp, mute.ramp) = (gains, mutes)
        for frame in 0..<block.frames {
          samples[frame] = finite(samples[frame] * (gain.next() * (1 - mute.next())))
        }
      }
      channel += 1
    }
  }
}

private final class GainProcessor: StateProcessor<GainState>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: GainState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let gainNodeRecord: NodeRecord = (1, { exportNode(GainNode.self) })
