public import AudioCore

/// Drives an engine's graph without a device: nothing happens until somebody pumps, the same edits between the same cycles
/// give the same samples, and it is as fast as the machine. Thread: control, which is the render thread too.
public final class OfflineRun {
  /// What comes in: the sample of a channel at a position.
  public typealias Signal = (_ channel: Int, _ position: Int64) -> Float

  public let engine: Engine
  public let layout: ChannelLayout
  public private(set) var position: Int64 = 0
  private let signal: Signal?
  private let longest: Int
  private let samples: UnsafeMutablePointer<Float>
  private let inputs: UnsafeMutablePointer<UnsafeMutablePointer<Float>>
  private let outputs: UnsafeMutablePointer<UnsafeMutablePointer<Float>>

  /// `longest` is the longest cycle that will be asked for.
  public init(_ engine: Engine, layout: ChannelLayout = .stereo, longest: FrameCount = 8192, signal: Signal? = nil) {
    self.engine = engine
    self.layout = layout
    self.signal = signal
    self.longest = longest.value
    let count = layout.count
    samples = .allocate(capacity: 2 * count * longest.value)
    samples.initialize(repeating: 0, count: 2 * count * longest.value)
    inputs = .allocate(capacity: count)
    outputs = .allocate(capacity: count)
    for channel in 0..<count {
      (inputs + channel).initialize(to: samples + channel * longest.value)
      (outputs + channel).initialize(to: samples + (count + channel) * longest.value)
    }
  }

  deinit {
    samples.deallocate()
    inputs.deallocate()
    outputs.deallocate()
  }

  /// One cycle; the block lives until the next. Files are read before and written after it, so that nothing is ever late.
  public func advance(_ frames: FrameCount) -> Block {
    precondition(frames.value > 0 && frames.value <= longest)
    while engine.crew.step() {}
    let count = layout.count
    for channel in 0..<count {
      outputs[channel].update(repeating: 0, count: frames.value)
      guard let signal else { continue }
      for frame in 0..<frames.value { inputs[channel][frame] = signal(channel, position + Int64(frame)) }
    }
    let output = Block(channels: outputs, channelCount: count, frames: frames.value)
    let cycle = Cycle(
      frames: frames.value, time: HostTime(nanoseconds: position * 1_000_000_000 / Int64(engine.settings.rate.hertz)),
      position: position, quantum: frames.value, layout: layout, flags: .none,
      input: Block(channels: inputs, channelCount: count, frames: frames.value), output: output)
    renderDispatch(Unmanaged.passUnretained(engine.renderer), cycle)
    position += Int64(frames.value)
    while engine.crew.step() {}
    engine.service()
    return output
  }
}
