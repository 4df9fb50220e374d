import AudioCore

/// Sounds as a room, a loudspeaker or a correction of them does, by its impulse response.
enum ConvolverNode: NodeKind {
  static let kind = "convolver"
  static let summary = "Convolves with the impulse response in a sound file: rooms, corrections, reverberation."
  static let settings: [SettingSpec] = [
    SettingSpec(
      "path",
      "the file: one channel for all, one for each, or for stereo four (left to left and right, right to left and right)",
      .text, initial: nil),
    .layout(),
  ]
  static let parameters: [ParameterSpec] = [
    .toggle("enabled", "off leaves sound as it is", initial: true, smoothing: .zero),
    .kernel("mix", "share of the convolved sound", unit: .none, range: 0...1, initial: 1),
    .number(
      "gain", "of the convolved sound", unit: .decibels, range: -60...24, initial: 0, scale: .amplitude),
  ]

  static func shape(_ settings: Settings) -> NodeShape { .effect(settings.layout()) }

  static func memory(_ settings: Settings, _ rate: SampleRate) -> Int {
    let channels = settings.layout().count
    return PartitionedConvolver.memory(
      responses: channels == 2 ? 4 : channels, inputs: channels, taps: Int(ResponseFile.longest * Double(rate.hertz)))
  }

  static func makeProcessor(_ context: NodeContext) throws(NodeRefusal) -> Processor {
    let channels = context.settings.layout().count
    let file = try ResponseFile(context, path: context.settings.text("path"), most: ChannelLayout.limit)
    let routes = try routes(channels: channels, responses: file.responses.count)
    let kernel = PartitionedConvolver(
      inputs: channels, outputs: channels, responses: file.responses, routes: routes)
    let warmUp = min(kernel.length, context.rate.hertz / 2)
    return ConvolverProcessor(
      context, latency: FrameCount(file.lead), warmUp: FrameCount(warmUp),
      ConvolverState(context, kernel, channels: channels, delay: file.lead))
  }

  private static func routes(channels: Int, responses: Int) throws(NodeRefusal) -> [ConvolverRoute] {
    if responses == 1 { return (0..<channels).map { ConvolverRoute(input: $0, output: $0, response: 0) } }
    if responses == channels { return (0..<channels).map { ConvolverRoute(input: $0, output: $0, response: $0) } }
    if channels == 2 && responses == 4 {
      return (0..<4).map { ConvolverRoute(input: $0 / 2, output: $0 % 2, response: $0) }
    }
    let wanted = channels == 1 ? "1" : channels == 2 ? "1, 2 or 4" : "1 or \(channels)"
    throw NodeRefusal(
      code: "bad_response", message: "the file has \(responses) channels; for this node \(wanted) go")
  }
}

struct ConvolverState: ~Copyable {
  private var kernel: PartitionedConvolver
  private var share: WetShare
  private let channels: Int
  private let wet: UnsafeMutablePointer<Float>
  private let wets: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  private let enabled: LiveParameter
  private let mix: LiveParameter
  private var gain: LiveParameter

  init(_ context: NodeContext, _ kernel: consuming PartitionedConvolver, channels: Int, delay: Int) {
    self.kernel = kernel
    self.channels = channels
    enabled = context.parameters.live("enabled")
    mix = context.parameters.live("mix")
    gain = context.parameters.live("gain")
    share = WetShare(
      channels: channels, delay: delay, share: enabled.target > 0.5 ? mix.target : 0, rate: context.rate)
    wet = .allocate(capacity: channels * WetShare.chunk)
    wet.initialize(repeating: 0, count: channels * WetShare.chunk)
    wets = .allocate(capacity: channels)
    for channel in 0..<channels { (wets + channel).initialize(to: wet + channel * WetShare.chunk) }
  }

  deinit {
    wet.deallocate()
    wets.deallocate()
  }

  /// Thread: render.
  @_noLocks
  mutating func render(_ block: NodeBlock) {
    gain.refresh()
    share.aim(enabled.latest > 0.5 ? mix.latest : 0)
    let (from, to) = (block.input(0), block.output(0))
    var done = 0
    while done < block.frames {
      let rest = block.frames &- done
      let frames = rest < WetShare.chunk ? rest : WetShare.chunk
      share.begin(frames)
      var channel = 0
      while channel < channels {
        let dry = share.dry(channel)
        renderCopy(dry, from: from[channel] + done, floats: frames)
        Sanitised.clean(dry, frames: frames)
        // What the kernel reads, and where it writes.
        renderCopy(wets[channel], from: dry, floats: frames)
        channel += 1
      }
      kernel.process(wets, wets, frames: frames)
      share.mix(wets, gain: &gain.ramp, into: to.channels, from: done, frames: frames)
      done &+= frames
    }
  }
}

private final class ConvolverProcessor: StateProcessor<ConvolverState>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: ConvolverState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let convolverNodeRecord: NodeRecord = (1, { exportNode(ConvolverNode.self) })
