import AudioCore
import Mixer

extension Sound {
  /// What a compressor makes of it.
  func compressed(
    _ settings: Compressor.Settings, detector: LevelDetector = .peak, lookahead: HostDuration = .zero,
    blocks: [Int] = [256]
  ) -> Sound {
    var compressor = Compressor(
      rate: SampleRate(hertz: rate), channels: channels.count, detector: detector, lookahead: lookahead,
      settings: settings)
    return processed(blocks: blocks) { compressor.process($0, frames: $1) }
  }

  func expanded(
    _ settings: Expander.Settings, detector: LevelDetector = .peak, lookahead: HostDuration = .zero,
    blocks: [Int] = [256]
  ) -> Sound {
    var expander = Expander(
      rate: SampleRate(hertz: rate), channels: channels.count, detector: detector, lookahead: lookahead,
      settings: settings)
    return processed(blocks: blocks) { expander.process($0, frames: $1) }
  }

  func gated(
    _ settings: Gate.Settings, detector: LevelDetector = .peak, lookahead: HostDuration = .zero, blocks: [Int] = [256]
  ) -> Sound {
    var gate = Gate(
      rate: SampleRate(hertz: rate), channels: channels.count, detector: detector, lookahead: lookahead,
      settings: settings)
    return processed(blocks: blocks) { gate.process($0, frames: $1) }
  }

  /// A constant that steps between levels, which says at each frame what the gain is.
  static func steps(_ levels: [(decibels: Double, seconds: Double)], rate: Int = 48_000) -> Sound {
    var samples: [Float] = []
    for level in levels {
      samples += [Float](repeating: Float(amplitude(level.decibels)), count: Int(level.seconds * Double(rate)))
    }
    return Sound(rate: rate, [samples])
  }
}

/// The formula that a compressor's curve is held against: decibels of reduction.
func reduction(at level: Double, threshold: Double, ratio: Double, knee: Double) -> Double {
  let over = level - threshold
  let slope = 1 - 1 / ratio
  if 2 * over < -knee { return 0 }
  if 2 * over > knee { return slope * over }
  return slope * (over + knee / 2) * (over + knee / 2) / (2 * knee)
}
