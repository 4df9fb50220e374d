import AudioCore

/// Holds sound back. It is an effect, not latency: what runs beside it is not delayed along with it.
enum DelayNode: NodeKind {
  static let kind = "delay"
  static let summary = "Holds sound back by a time that may be changed while it runs."
  static let settings: [SettingSpec] = [
    .layout(),
    SettingSpec("maximum", "the longest time", .number(1...10_000), unit: .milliseconds, initial: .number(1000)),
  ]
  static let parameters = times(1000)

  static func parameters(_ settings: Settings) -> [ParameterSpec] { times(settings.number("maximum")) }

  private static func times(_ maximum: Double) -> [ParameterSpec] {
    [
      .number(
        "time", "how long; up to the maximum", unit: .milliseconds, range: 0...maximum, initial: min(100, maximum),
        smoothing: .milliseconds(20))
    ]
  }

  static func shape(_ settings: Settings) -> NodeShape { .effect(settings.layout()) }

  static func memory(_ settings: Settings, _ rate: SampleRate) -> Int {
    let frames = Int(settings.number("maximum") * Double(rate.hertz) / 1000)
    return 2 * frames * settings.layout().count * MemoryLayout<Float>.size
  }

  static func makeProcessor(_ context: NodeContext) -> Processor {
    let state = DelayState(
      context.parameters, maximum: context.settings.number("maximum"), rate: context.rate, block: context.block.value,
      channels: context.settings.layout().count)
    return DelayProcessor(context, warmUp: FrameCount(state.tap), state)
  }
}

/// A line with two taps: a change of the time fades from the one to the other, for a tap that moves would bend the pitch.
struct DelayState: ~Copyable {
  private let time: LiveParameter
  private let line: UnsafeMutablePointer<Float>
  private let length: Int
  private let framesPerMillisecond: Float
  private let longest: Int
  private let fade: Int
  private var place = 0
  /// Frames that lie in the line, as far as anybody asks.
  private var filled = 0
  private(set) var tap: Int
  private var nextTap: Int
  /// Frames of the fade that are done.
  private var faded = 0

  init(_ parameters: ParameterBlock, maximum: Double, rate: SampleRate, block: Int, channels: Int) {
    time = parameters.live("time")
    framesPerMillisecond = Float(rate.hertz) / 1000
    longest = Int(maximum * Double(rate.hertz) / 1000)
    fade = rate.frames(in: .milliseconds(20)).value
    var size = 16
    while size < longest + block { size *= 2 }
    length = size
    line = .allocate(capacity: size * channels)
    line.initialize(repeating: 0, count: size * channels)
    tap = min(Int(time.target * framesPerMillisecond + 0.5), longest)
    nextTap = tap
  }

  deinit { line.deallocate() }

  /// Thread: render.
  @_noLocks
  mutating func render(_ block: NodeBlock) {
    let milliseconds = time.latest
    let asked = Int(milliseconds * framesPerMillisecond + 0.5)
    let wanted = asked < longest ? asked : longest
    // A change that comes during a fade waits for its end, wherever in a block that is. So does one to what was not heard
    // yet.
    var done = 0
    while done < block.frames {
      var frames = block.frames &- done
      if tap == nextTap && wanted != tap {
        if wanted <= filled {
          nextTap = wanted
          faded = 0
        } else if wanted &- filled < frames {
          frames = wanted &- filled
        }
      }
      if tap != nextTap && fade &- faded < frames { frames = fade &- faded }
      run(block, from: done, frames: frames)
      done &+= frames
    }
  }

  @_noLocks
  private mutating func run(_ block: NodeBlock, from start: Int, frames: Int) {
    let (from, to) = (block.input(0), block.output(0))
    let mask = length &- 1
    let (near, far) = (place &- tap, place &- nextTap)
    var channel = 0
    while channel < to.count {
      let plane = line + channel &* length
      let source = from[channel] + start
      let target = to[channel] + start
      if tap == nextTap {
        for frame in 0..<frames {
          plane[(place &+ frame) & mask] = finite(source[frame])
          target[frame] = plane[(near &+ frame) & mask]
        }
      } else {
        for frame in 0..<frames {
          plane[(place &+ frame) & mask] = finite(source[frame])
          let (old, new) = (plane[(near &+ frame) & mask], plane[(far &+ frame) & mask])
          target[frame] = finite(old + (new - old) * smoothStep(Float(faded &+ frame &+ 1) / Float(fade)))
        }
      }
      channel += 1
    }
    place = (place &+ frames) & mask
    filled = filled &+ frames < longest ? filled &+ frames : longest
    guard tap != nextTap else { return }
    faded &+= frames
    if faded == fade { tap = nextTap }
  }
}

private final class DelayProcessor: StateProcessor<DelayState>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: DelayState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let delayNodeRecord: NodeRecord = (1, { exportNode(DelayNode.self) })
