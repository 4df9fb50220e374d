import AudioCore

/// Places mono or stereo sound between left and right. The law keeps the power: −3 dB in the middle for mono, and for
/// stereo a balance that leaves the middle alone.
enum PanNode: NodeKind {
  static let kind = "pan"
  static let summary = "Places sound between left and right."
  static let settings: [SettingSpec] = [
    SettingSpec("channels", "of what is placed: mono or stereo", .choice(["mono", "stereo"]), initial: .text("mono"))
  ]
  static let parameters: [ParameterSpec] = [
    .number("pan", "-1 is left, 1 is right", unit: .ratio, range: -1...1, initial: 0)
  ]

  static func shape(_ settings: Settings) -> NodeShape {
    let layout = settings.layout()
    return NodeShape(
      inputs: [PortSpec("in", layout)], outputs: [PortSpec("out", .stereo)], inPlace: layout == .stereo)
  }

  static func makeProcessor(_ context: NodeContext) -> Processor { PanProcessor(context, PanState(context.parameters)) }
}

struct PanState: ~Copyable {
  private var pan: LiveParameter

  init(_ parameters: ParameterBlock) {
    pan = parameters.live("pan")
  }

  @_noLocks
  private func sine(_ quarter: Float) -> Float { Float(Oscillator.sine(turns: Double(quarter) / 4)) }

  /// Left and right at a place: of mono what each gets, of stereo what each keeps.
  @_noLocks
  private func gains(_ pan: Float, isMono: Bool) -> (Float, Float) {
    let place = (pan + 1) / 2
    if isMono { return (sine(1 - place), sine(place)) }
    return (pan <= 0 ? 1 : sine(1 - pan), pan >= 0 ? 1 : sine(1 + pan))
  }

  /// Thread: render.
  @_noLocks
  mutating func render(_ block: NodeBlock) {
    pan.refresh()
    let from = block.input(0)
    let isMono = from.count == 1
    let (left, right) = (from[0], isMono ? from[0] : from[1])
    let (leftOut, rightOut) = (block.output(0)[0], block.output(0)[1])
    if pan.isSettled {
      let (leftGain, rightGain) = gains(pan.value, isMono: isMono)
      if isMono {
        for frame in 0..<block.frames { rightOut[frame] = finite(left[frame] * rightGain) }
        for frame in 0..<block.frames { leftOut[frame] = finite(left[frame] * leftGain) }
      } else {
        let planes = block.carry()
        let (first, second) = (planes[0], planes[1])
        for frame in 0..<block.frames { first[frame] = finite(first[frame] * leftGain) }
        for frame in 0..<block.frames { second[frame] = finite(second[frame] * rightGain) }
      }
    } else {
      for frame in 0..<block.frames {
        let (leftGain, rightGain) = gains(pan.next(), isMono: isMono)
        let (a, b) = (left[frame], right[frame])
        leftOut[frame] = finite(a * leftGain)
        rightOut[frame] = finite(b * rightGain)
      }
    }
  }
}

private final class PanProcessor: StateProcessor<PanState>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: PanState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let panNodeRecord: NodeRecord = (1, { exportNode(PanNode.self) })
