import AudioCore
import Glibc

/// Test sounds: periodic ones, noises, a sweep and impulses. The same on all channels but for the noises, which are
/// independent; the same in every run with the same seed.
enum ToneNode: NodeKind {
  static let kind = "tone"
  static let summary = "Makes a test sound: sine, square, saw, white or pink noise, sweep, impulses."
  static let settings: [SettingSpec] = [
    SettingSpec("wave", "what it sounds like", .choice(ToneWave.allCases.map(\.rawValue)), initial: .text("sine")),
    .layout(),
    SettingSpec("from", "where a sweep begins", .number(1...96_000), unit: .hertz, initial: .number(20)),
    SettingSpec("to", "where a sweep ends", .number(1...96_000), unit: .hertz, initial: .number(20_000)),
    SettingSpec("period", "how long a sweep takes", .number(0.01...3600), unit: .seconds, initial: .number(10)),
    SettingSpec("seed", "of noise: another number is another noise", .integer(0...(1 << 40)), initial: .integer(1)),
  ]
  static let parameters: [ParameterSpec] = [
    .number(
      "frequency", "the pitch, or impulses a second; square and saw go to a quarter of the rate", unit: .hertz,
      range: 0.01...96_000, initial: 440, smoothing: .milliseconds(10)),
    .number(
      "level", "the peak of what is periodic, the mean power of noise", unit: .decibelsFullScale, range: -120...0,
      initial: 0, scale: .amplitude),
  ]

  static func shape(_ settings: Settings) -> NodeShape { .source(settings.layout()) }
  static func makeProcessor(_ context: NodeContext) -> Processor { ToneProcessor(context, ToneState(context)) }
}

enum ToneWave: String, CaseIterable { case sine, square, saw, white, pink, sweep, impulse }

struct ToneState: ~Copyable {
  private let wave: ToneWave
  private let rate: Float
  private var frequency: LiveParameter
  private var level: LiveParameter
  private var oscillator = Oscillator()
  private var sweep: Sweep
  private let noises: UnsafeMutablePointer<NoiseSource>
  private let channels: Int

  init(_ context: NodeContext) {
    let settings = context.settings
    wave = ToneWave(rawValue: settings.text("wave")) ?? .sine
    rate = Float(context.rate.hertz)
    frequency = context.parameters.live("frequency")
    level = context.parameters.live("level")
    channels = settings.layout().count
    noises = .allocate(capacity: channels)
    for channel in 0..<channels {
      (noises + channel).initialize(to: NoiseSource(seed: settings.integer("seed"), channel: channel))
    }
    sweep = Sweep(
      from: settings.number("from"), to: settings.number("to"), seconds: settings.number("period"), rate: context.rate)
  }

  deinit { noises.deallocate() }

  /// Thread: render.
  @_noLocks
  mutating func render(_ block: NodeBlock) {
    frequency.refresh()
    level.refresh()
    switch wave {
    case .white, .pink: renderNoise(block)
    case .sine, .square, .saw, .sweep, .impulse: renderWave(block)
    }
  }

  @_noLocks
  private mutating func renderWave(_ block: NodeBlock) {
    let to = block.output(0)
    let first = to[0]
    for frame in 0..<block.frames {
      let step = Double(frequency.next() / rate)
      let sample: Double
      switch wave {
      case .sine: sample = oscillator.sine(step < 0.5 ? step : 0.5)
      case .square: sample = oscillator.square(step < 0.25 ? step : 0.25)
      case .saw: sample = oscillator.saw(step < 0.25 ? step : 0.25)
      case .impulse: sample = oscillator.impulse(step < 1 ? step : 1)
      case .sweep: sample = oscillator.sine(sweep.next())
      case .white, .pink: sample = 0
      }
      first[frame] = Float(sample) * level.next()
    }
    var channel = 1
    while channel < to.count {
      renderCopy(to[channel], from: first, floats: block.frames)
      channel += 1
    }
  }

  @_noLocks
  private mutating func renderNoise(_ block: NodeBlock) {
    let to = block.output(0)
    for frame in 0..<block.frames {
      let factor = level.next()
      _ = frequency.next()
      var channel = 0
      while channel < to.count {
        let noise = noises + channel
        to[channel][frame] = factor * (wave == .white ? noise.pointee.white() : noise.pointee.pink())
        channel += 1
      }
    }
  }
}

private final class ToneProcessor: StateProcessor<ToneState>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: ToneState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let toneNodeRecord: NodeRecord = (1, { exportNode(ToneNode.self) })
