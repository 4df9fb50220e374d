import AudioCore

/// Loudspeakers around a head, for headphones.
enum SpatialNode: NodeKind {
  static let kind = "spatial"
  static let summary = "Makes stereo for headphones of surround: every channel comes from its loudspeaker's place."
  static let settings: [SettingSpec] = [
    .layout("from", "the channels that come in", initial: "7.1"),
    SettingSpec(
      "path",
      "responses of a head: a SOFA file, or one of 14 channels in HeSuVi's order, or of 7; none for a model of our own",
      .text, initial: .text("")),
  ]
  static let parameters: [ParameterSpec] = [
    .toggle("enabled", "off folds to stereo as BS.775 does", initial: true, smoothing: .zero),
    .number(
      "gain", "of what headphones get", unit: .decibels, range: -60...12, initial: 0, scale: .amplitude),
    .number(
      "rear", "of what comes from the sides and from behind", unit: .decibels, range: -60...12, initial: 0,
      scale: .amplitude),
  ]

  static func shape(_ settings: Settings) -> NodeShape {
    NodeShape(inputs: [PortSpec("in", settings.layout("from"))], outputs: [PortSpec("out", .stereo)])
  }

  static func memory(_ settings: Settings, _ rate: SampleRate) -> Int {
    guard !settings.text("path").isEmpty else { return 256 * 1024 }
    return PartitionedConvolver.memory(
      responses: 14, inputs: settings.layout("from").count, taps: Int(ResponseFile.longest * Double(rate.hertz)))
  }

  static func makeProcessor(_ context: NodeContext) throws(NodeRefusal) -> Processor {
    let layout = context.settings.layout("from")
    let heard = layout.labels.filter { $0 != .lowFrequency }
    let path = context.settings.text("path")
    var (responses, lead): ([[Float]], Int) = ([], 0)
    if path.isEmpty {
      let model = HeadModel(rate: context.rate)
      for label in heard {
        let pair = model.responses(azimuth: HeadModel.azimuth(label, of: layout) ?? 0)
        responses += [pair.left, pair.right]
      }
    } else if ResponseFile.isHead(path) {
      let file = try ResponseFile(
        context, head: path, azimuths: heard.map { HeadModel.azimuth($0, of: layout) ?? 0 })
      (responses, lead) = (file.responses, file.lead)
    } else {
      let file = try ResponseFile(context, path: path, most: 14)
      guard file.responses.count == 14 || file.responses.count == 7 else {
        throw NodeRefusal(
          code: "bad_response", message: "the file has \(file.responses.count) channels; 14 or 7 go")
      }
      for label in heard {
        responses += places(label, of: layout, isWhole: file.responses.count == 14).map { file.responses[$0] }
      }
      lead = file.lead
    }
    let kernel = PartitionedConvolver(
      inputs: max(heard.count, 1), outputs: 2, responses: responses,
      routes: responses.indices.map { ConvolverRoute(input: $0 / 2, output: $0 % 2, response: $0) })
    let warmUp = min(kernel.length, context.rate.hertz / 2)
    return SpatialProcessor(
      context, latency: FrameCount(lead), warmUp: FrameCount(warmUp),
      SpatialState(context, kernel, layout: layout, delay: lead))
  }

  /// Where a file has a channel's responses for the left and the right ear: those of the left side are the first seven, the
  /// centre's last; those of the right side follow, with the near ear first. A file of seven is of a head like its mirror
  /// image.
  private static func places(_ label: ChannelLabel, of layout: ChannelLayout, isWhole: Bool) -> [Int] {
    let hasBoth = layout.index(of: .sideLeft) != nil || layout.index(of: .sideRight) != nil
    switch label {
    case .frontLeft: return [0, 1]
    case .sideLeft: return [2, 3]
    case .rearLeft: return hasBoth ? [4, 5] : [2, 3]
    case .frontRight: return isWhole ? [8, 7] : [1, 0]
    case .sideRight: return isWhole ? [10, 9] : [3, 2]
    case .rearRight:
      if hasBoth { return isWhole ? [12, 11] : [5, 4] }
      return isWhole ? [10, 9] : [3, 2]
    case .mono, .frontCenter, .lowFrequency: return isWhole ? [6, 13] : [6, 6]
    }
  }
}

struct SpatialState: ~Copyable {
  private var kernel: PartitionedConvolver
  private var share: WetShare
  private let fold: ChannelFold
  /// Of each channel in: 0 for low frequencies, 1 for the front, 2 for what `rear` counts for.
  private var kinds = SIMD8<Int32>(repeating: 1)
  private let channels: Int
  private var low: LowPass
  /// A chunk of each channel in, then of each ear.
  private let samples: UnsafeMutablePointer<Float>
  /// Of those the kernel hears.
  private let planes: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  private let wets: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  /// The block's own planes, from the chunk at hand on; and where it is folded to.
  private let inputs: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  private let dries: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  private let rears: UnsafeMutablePointer<Float>
  private let enabled: LiveParameter
  private var gain: LiveParameter
  private var rear: LiveParameter

  init(_ context: NodeContext, _ kernel: consuming PartitionedConvolver, layout: ChannelLayout, delay: Int) {
    self.kernel = kernel
    channels = layout.count
    fold = ChannelFold(ChannelMatrix(from: layout, to: .stereo).gains, inputs: layout.count, outputs: 2)
    enabled = context.parameters.live("enabled")
    gain = context.parameters.live("gain")
    rear = context.parameters.live("rear")
    share = WetShare(channels: 2, delay: delay, share: enabled.target > 0.5 ? 1 : 0, rate: context.rate)
    low = LowPass(frequency: 120, gain: 0.31622777, rate: Double(context.rate.hertz))
    let count = layout.count + 2
    samples = .allocate(capacity: (count + 1) * WetShare.chunk)
    samples.initialize(repeating: 0, count: (count + 1) * WetShare.chunk)
    planes = .allocate(capacity: max(layout.count, 1))
    planes.initialize(repeating: samples, count: max(layout.count, 1))
    inputs = .allocate(capacity: layout.count)
    inputs.initialize(repeating: samples, count: layout.count)
    dries = .allocate(capacity: 2)
    dries.initialize(repeating: samples, count: 2)
    wets = .allocate(capacity: 2)
    for ear in 0..<2 { (wets + ear).initialize(to: samples + (layout.count + ear) * WetShare.chunk) }
    rears = samples + count * WetShare.chunk
    var heard = 0
    for (channel, label) in layout.labels.enumerated() {
      switch label {
      case .lowFrequency: kinds[channel] = 0
      case .rearLeft, .rearRight, .sideLeft, .sideRight: kinds[channel] = 2
      default: kinds[channel] = 1
      }
      guard label != .lowFrequency else { continue }
      planes[heard] = samples + channel * WetShare.chunk
      heard += 1
    }
  }

  deinit {
    samples.deallocate()
    planes.deallocate()
    wets.deallocate()
    inputs.deallocate()
    dries.deallocate()
  }

  /// Thread: render.
  @_noLocks
  mutating func render(_ block: NodeBlock) {
    gain.refresh()
    rear.refresh()
    share.aim(enabled.latest > 0.5 ? 1 : 0)
    let (from, to) = (block.input(0), block.output(0))
    precondition(from.count == channels && to.count == 2)
    var done = 0
    while done < block.frames {
      let rest = block.frames &- done
      let frames = rest < WetShare.chunk ? rest : WetShare.chunk
      var channel = 0
      while channel < channels {
        inputs[channel] = from.channels[channel] + done
        channel += 1
      }
      share.begin(frames)
      (dries[0], dries[1]) = (share.dry(0), share.dry(1))
      fold.apply(inputs, dries, frames: frames)
      admit(frames)
      kernel.process(planes, wets, frames: frames)
      addLow(frames)
      share.mix(wets, gain: &gain.ramp, into: to.channels, from: done, frames: frames)
      done &+= frames
    }
  }

  /// Brings a chunk of each channel to where the kernel reads it.
  @_noLocks
  private mutating func admit(_ frames: Int) {
    let isPlain = rear.isSettled && rear.value == 1
    if !isPlain { for frame in 0..<frames { rears[frame] = rear.next() } }
    for channel in 0..<channels {
      let into = samples + channel &* WetShare.chunk
      Sanitised.copy(inputs[channel], into: into, frames: frames)
      if kinds[channel] == 2 && !isPlain {
        for frame in 0..<frames { into[frame] *= rears[frame] }
      }
    }
  }

  @_noLocks
  private mutating func addLow(_ frames: Int) {
    for channel in 0..<channels where kinds[channel] == 0 {
      let plane = samples + channel &* WetShare.chunk
      low.process(plane, frames: frames)
      for ear in 0..<2 {
        let wet = wets[ear]
        for frame in 0..<frames { wet[frame] += plane[frame] }
      }
    }
  }
}

private final class SpatialProcessor: StateProcessor<SpatialState>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: SpatialState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let spatialNodeRecord: NodeRecord = (1, { exportNode(SpatialNode.self) })
