import AudioCore

/// Says how loud sound is for people.
enum LoudnessNode: NodeKind {
  static let kind = "loudness"
  static let summary = "Passes sound on untouched and measures loudness and true peak (ITU-R BS.1770, EBU R 128)."
  static let settings: [SettingSpec] = [.layout()]
  static let readings = [
    ReadingSpec("momentary", "of the last 400 ms", unit: .loudness),
    ReadingSpec("short_term", "of the last three seconds", unit: .loudness),
    ReadingSpec("integrated", "of everything since it was made", unit: .loudness),
    ReadingSpec("range", "between what is soft and what is loud in it, in LU", unit: .decibels),
    ReadingSpec("true_peak", "the highest since it was made", unit: .decibelsFullScale),
  ]

  static let isMeter = true

  static func shape(_ settings: Settings) -> NodeShape { .effect(settings.layout()) }

  static func makeProcessor(_ context: NodeContext) -> Processor {
    LoudnessProcessor(context, LoudnessState(context))
  }
}

struct LoudnessState: ~Copyable {
  private var meter: LoudnessMeter
  private let readings: UnsafeMutablePointer<ParameterCell>
  private let gauge: GaugeFace?
  private let step: Int
  private var passed = 0

  init(_ context: NodeContext) {
    meter = LoudnessMeter(format: StreamFormat(rate: context.rate, layout: context.settings.layout()))
    readings = context.readings.cells
    gauge = context.readings.gauge?.face
    readings[3].set(1)
    step = context.rate.frames(in: .milliseconds(100)).value
  }

  /// Thread: render.
  @_noLocks
  mutating func render(_ block: NodeBlock) {
    let planes = block.carry()
    for channel in 0..<planes.count {
      let samples = planes[channel]
      for frame in 0..<block.frames { samples[frame] = finite(samples[frame]) }
    }
    meter.process(planes.channels, frames: block.frames)
    if let gauge {
      gauge.measure(Block(channels: planes.channels, channelCount: planes.count, frames: block.frames))
    }
    passed &+= block.frames
    guard passed >= step else { return }
    passed = 0
    let now = meter.reading()
    readings[0].set(Self.amplitude(now.momentaryPower))
    readings[1].set(Self.amplitude(now.shortTermPower))
    readings[2].set(Self.amplitude(now.integratedPower))
    readings[3].set(now.rangeLowPower > 0 ? renderRoot(Float(now.rangeHighPower / now.rangeLowPower)) : 1)
    readings[4].set(now.truePeakAmplitude)
  }

  /// Loudness is 0.691 dB below the power's decibels; a reading's are those of an amplitude.
  @_noLocks
  private static func amplitude(_ power: Double) -> Float { renderRoot(Float(power * 0.8529)) }
}

private final class LoudnessProcessor: StateProcessor<LoudnessState>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: LoudnessState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let loudnessNodeRecord: NodeRecord = (1, { exportNode(LoudnessNode.self) })
