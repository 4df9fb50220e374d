public import AudioCore

/// One port's samples: planar floats, one pointer a channel.
@frozen
public struct Planes {
  public let channels: UnsafePointer<UnsafeMutablePointer<Float>>
  public let count: Int
  /// False for an input that nothing is connected to: its samples are silence.
  public let isConnected: Bool

  @_noLocks @inlinable
  public init(channels: UnsafePointer<UnsafeMutablePointer<Float>>, count: Int, isConnected: Bool) {
    self.channels = channels
    self.count = count
    self.isConnected = isConnected
  }

  /// Thread: render.
  @_noLocks @inlinable public subscript(channel: Int) -> UnsafeMutablePointer<Float> {
    precondition(channel >= 0 && channel < count)
    return channels[channel]
  }
}

/// What the driver brought and wants in the cycle at hand, and how much of it is done.
@frozen
public struct DriverCycle {
  public internal(set) var input: Block
  public internal(set) var output: Block
  /// Frames of the cycle that earlier blocks have dealt with.
  public internal(set) var offset: Int
  /// All frames of the cycle, and when the device plays the first.
  public internal(set) var frames = 0
  public internal(set) var time = HostTime(nanoseconds: 0)
}

/// One block of a node's work: never longer than the context's `block`, and as short as one frame. What a processor makes
/// must not depend on how time is cut into blocks.
@frozen
public struct NodeBlock {
  public let frames: Int
  /// Frames that were rendered before this block.
  public let position: Int64
  @usableFromInline let inputs: UnsafePointer<Planes>
  @usableFromInline let outputs: UnsafePointer<Planes>
  public let inputCount: Int
  public let outputCount: Int
  public let driver: UnsafePointer<DriverCycle>
  /// No node after this one has the same claim.
  public let isLast: Bool

  @_noLocks @inlinable
  init(
    frames: Int, position: Int64, inputs: UnsafePointer<Planes>, inputCount: Int, outputs: UnsafePointer<Planes>,
    outputCount: Int, driver: UnsafePointer<DriverCycle>, isLast: Bool = true
  ) {
    self.frames = frames
    self.position = position
    self.inputs = inputs
    self.outputs = outputs
    self.inputCount = inputCount
    self.outputCount = outputCount
    self.driver = driver
    self.isLast = isLast
  }

  /// Thread: render.
  @_noLocks @inlinable public func input(_ port: Int) -> Planes {
    precondition(port >= 0 && port < inputCount)
    return inputs[port]
  }

  /// To be filled whole. Thread: render.
  @_noLocks @inlinable public func output(_ port: Int) -> Planes {
    precondition(port >= 0 && port < outputCount)
    return outputs[port]
  }

  /// Brings the first input to the first output, where it does not lie already, so that a kernel can work in place. For
  /// nodes whose shape says `inPlace`. Thread: render.
  @_noLocks @inlinable public func carry() -> Planes {
    let from = input(0)
    let to = output(0)
    precondition(from.count == to.count)
    var channel = 0
    while channel < to.count {
      if from.channels[channel] != to.channels[channel] {
        renderCopy(to.channels[channel], from: from.channels[channel], floats: frames)
      }
      channel += 1
    }
    return to
  }
}

/// The sample, or silence where it is no number: nothing a node passes on or keeps may be one. Thread: render.
@_noLocks @inlinable @inline(__always)
public func finite(_ sample: Float) -> Float {
  let bits = sample.bitPattern
  return Float(bitPattern: bits & 0x7F80_0000 == 0x7F80_0000 ? 0 : bits)
}
