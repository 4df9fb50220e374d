import AudioCore

/// Any number of inputs into one, each with a gain, a mute and a solo.
enum MixerNode: NodeKind {
  static let kind = "mixer"
  static let summary = "Sums inputs, each with its gain, mute and solo."
  static let settings: [SettingSpec] = [
    SettingSpec("inputs", "how many", .integer(1...64), initial: .integer(2)), .layout(),
  ]
  static let parameters: [ParameterSpec] = [
    .gain("gain", "of the sum"), .gain("level", "gain of one input", per: .input),
    .toggle("mute", "leaves one input out", per: .input),
    .toggle("solo", "leaves out all inputs without it", per: .input),
  ]

  static func shape(_ settings: Settings) -> NodeShape {
    let layout = settings.layout()
    return NodeShape(
      inputs: (1...settings.integer("inputs")).map { PortSpec("in\($0)", layout) }, outputs: [PortSpec("out", layout)])
  }

  static func makeProcessor(_ context: NodeContext) -> Processor {
    MixerProcessor(
      context, MixerState(context.parameters, inputs: context.shape.inputs.count, rate: context.rate))
  }
}

struct MixerState: ~Copyable {
  private struct Strip {
    var level: LiveParameter
    var mute: LiveParameter
    var solo: LiveParameter
    /// 1 while heard.
    var isHeard: Ramp
  }

  private let strips: UnsafeMutablePointer<Strip>
  private let count: Int
  private let switching: Int
  private var gain: LiveParameter
  private var kernel: SumKernel

  init(_ parameters: ParameterBlock, inputs: Int, rate: SampleRate) {
    count = inputs
    kernel = SumKernel(inputs: inputs)
    switching = rate.frames(in: .milliseconds(10)).value
    gain = parameters.live("gain")
    strips = .allocate(capacity: inputs)
    for input in 0..<inputs {
      let (level, mute, solo) = (
        parameters.live(1 + 3 * input), parameters.live(2 + 3 * input), parameters.live(3 + 3 * input)
      )
      (strips + input).initialize(to: Strip(level: level, mute: mute, solo: solo, isHeard: Ramp(1)))
    }
    // As it is told to begin, not faded to it.
    let isSoloed = anySolo
    for input in 0..<inputs { strips[input].isHeard = Ramp(isHeard(strips[input], isSoloed) ? 1 : 0) }
  }

  deinit { strips.deallocate() }

  private var anySolo: Bool {
    @_noLocks get {
      var input = 0
      while input < count {
        if strips[input].solo.target > 0.5 { return true }
        input += 1
      }
      return false
    }
  }

  @_noLocks
  private func isHeard(_ strip: Strip, _ isSoloed: Bool) -> Bool {
    strip.mute.target < 0.5 && (!isSoloed || strip.solo.target > 0.5)
  }

  /// Thread: render.
  @_noLocks
  mutating func render(_ block: NodeBlock) {
    gain.refresh()
    var isMoving = !gain.isSettled
    var input = 0
    while input < count {
      strips[input].level.refresh()
      strips[input].mute.refresh()
      strips[input].solo.refresh()
      input += 1
    }
    let isSoloed = anySolo
    input = 0
    while input < count {
      strips[input].isHeard.aim(isHeard(strips[input], isSoloed) ? 1 : 0, over: switching)
      isMoving = isMoving || !strips[input].level.isSettled || !strips[input].isHeard.isSettled
      input += 1
    }
    if isMoving { mixMoving(block) } else { mixSettled(block) }
  }

  @_noLocks
  private func factor(_ input: Int) -> Float { strips[input].level.value * strips[input].isHeard.value * gain.value }

  @_noLocks
  private mutating func mixSettled(_ block: NodeBlock) {
    let to = block.output(0)
    var channel = 0
    while channel < to.count {
      kernel.begin()
      var input = 0
      while input < count {
        let factor = factor(input)
        if factor != 0 && block.input(input).isConnected { kernel.add(block.input(input)[channel], gain: factor) }
        input += 1
      }
      kernel.sum(into: to[channel], frames: block.frames)
      channel += 1
    }
  }

  /// Frame by frame, while anything moves.
  @_noLocks
  private mutating func mixMoving(_ block: NodeBlock) {
    let to = block.output(0)
    for frame in 0..<block.frames {
      let master = gain.next()
      var input = 0
      var channel = 0
      while channel < to.count {
        to[channel][frame] = 0
        channel += 1
      }
      while input < count {
        let factor = strips[input].level.next() * strips[input].isHeard.next() * master
        if factor != 0 {
          let from = block.input(input)
          channel = 0
          while channel < to.count {
            to[channel][frame] = finite(to[channel][frame] + from[channel][frame] * factor)
            channel += 1
          }
        }
        input += 1
      }
    }
  }
}

private final class MixerProcessor: StateProcessor<MixerState>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: MixerState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let mixerNodeRecord: NodeRecord = (1, { exportNode(MixerNode.self) })
