import AudioCore

/// Passes sound on and says how loud it is.
enum MeterNode: NodeKind {
  static let kind = "meter"
  static let summary = "Passes sound on untouched and measures its peak and power, ten times a second."
  static let settings: [SettingSpec] = [.layout()]
  static let readings = [
    ReadingSpec("peak", "the highest sample of the last tenth of a second", unit: .decibelsFullScale, perChannel: true),
    ReadingSpec("rms", "the mean power of the last tenth of a second", unit: .decibelsFullScale, perChannel: true),
  ]

  static let isMeter = true

  static func shape(_ settings: Settings) -> NodeShape { .effect(settings.layout()) }

  static func makeProcessor(_ context: NodeContext) -> Processor {
    MeterProcessor(
      context,
      MeterState(
        readings: context.readings, channels: context.settings.layout().count,
        window: context.rate.frames(in: .milliseconds(100)).value))
  }
}

struct MeterState: ~Copyable {
  /// Peaks of all channels, then powers.
  private let readings: UnsafeMutablePointer<ParameterCell>
  private let gauge: GaugeFace?
  private let channels: Int
  private let window: Int
  private let peaks: UnsafeMutablePointer<Float>
  private let sums: UnsafeMutablePointer<Double>
  private var done = 0

  init(readings: ReadingBlock, channels: Int, window: Int) {
    self.readings = readings.cells
    gauge = readings.gauge?.face
    self.channels = channels
    self.window = max(window, 1)
    peaks = .allocate(capacity: channels)
    peaks.initialize(repeating: 0, count: channels)
    sums = .allocate(capacity: channels)
    sums.initialize(repeating: 0, count: channels)
  }

  deinit {
    peaks.deallocate()
    sums.deallocate()
  }

  /// Thread: render.
  @_noLocks
  mutating func render(_ block: NodeBlock) {
    let planes = block.carry()
    if let gauge {
      gauge.measure(Block(channels: planes.channels, channelCount: planes.count, frames: block.frames))
    }
    var from = 0
    while from < block.frames {
      let left = window &- done
      let frames = left < block.frames &- from ? left : block.frames &- from
      var channel = 0
      while channel < channels {
        measure(planes[channel] + from, frames, channel)
        channel += 1
      }
      done &+= frames
      from &+= frames
      if done == window { publish() }
    }
  }

  @_noLocks
  private func measure(_ samples: UnsafeMutablePointer<Float>, _ frames: Int, _ channel: Int) {
    var peak = peaks[channel]
    var sum = sums[channel]
    for frame in 0..<frames {
      let sample = finite(samples[frame])
      samples[frame] = sample
      let size = Float(bitPattern: sample.bitPattern & 0x7FFF_FFFF)
      peak = size > peak ? size : peak
      sum += Double(sample * sample)
    }
    peaks[channel] = peak
    sums[channel] = sum
  }

  @_noLocks
  private mutating func publish() {
    var channel = 0
    while channel < channels {
      readings[channel].set(peaks[channel])
      readings[channels &+ channel].set(renderRoot(Float(sums[channel] / Double(window))))
      peaks[channel] = 0
      sums[channel] = 0
      channel += 1
    }
    done = 0
  }
}

private final class MeterProcessor: StateProcessor<MeterState>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: MeterState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let meterNodeRecord: NodeRecord = (1, { exportNode(MeterNode.self) })
