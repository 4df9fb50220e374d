import AppRings
import AudioCore

/// The end at which an engine writes a ring. Thread: control.
final class RingSink: NodeClaim, @unchecked Sendable {
  let state: UnsafeMutablePointer<RingSinkState>
  let channels: Int
  let latency: FrameCount
  private let name: String

  init(_ name: String, _ writer: consuming RingWriter, _ context: NodeContext) {
    self.name = name
    channels = writer.channels
    let made = RingSinkState(writer, rate: context.rate, block: context.block.value)
    latency = made.latency
    state = .allocate(capacity: 1)
    state.initialize(to: made)
  }

  deinit {
    state.deinitialize(count: 1)
    state.deallocate()
  }

  var refusal: NodeRefusal { .ringInUse(name) }
}

/// Sound into a ring, from the graph's rate, a block at a time: the sum of what the nodes at this end bring.
struct RingSinkState: ~Copyable {
  /// In the ring's channels: the sum and what is to be added to it; and the sum in the ring's rate, if that is another.
  private let sound: SoundPlanes
  private let more: SoundPlanes
  private let raw: SoundPlanes
  private let hertz: Int
  /// The ring's frames for one of the graph's.
  private let ratio: Double
  private let writer: RingWriter
  private var resampler: SincResampler?
  let latency: FrameCount
  /// Of the block that is being summed, and whether there is something to be added.
  private var position: Int64 = -1
  private var isAdding = false

  init(_ writer: consuming RingWriter, rate: SampleRate, block: Int) {
    let (channels, own) = (writer.channels, writer.rate)
    hertz = rate.hertz
    ratio = Double(own.hertz) / Double(rate.hertz)
    sound = SoundPlanes(channels: channels, frames: block)
    more = SoundPlanes(channels: channels, frames: block)
    if own == rate {
      raw = SoundPlanes(channels: channels, frames: 0)
      latency = 0
    } else {
      raw = SoundPlanes(channels: channels, frames: Int(Double(block) * ratio) + 8)
      let made = SincResampler(
        quality: .main, from: rate, to: own, channels: channels, chunk: FrameCount(block))
      latency = made.latency
      resampler = consume made
    }
    self.writer = writer
  }

  /// Where a node is to put its part of the block. Thread: render.
  @_noLocks
  mutating func planes(_ block: NodeBlock) -> UnsafeMutablePointer<UnsafeMutablePointer<Float>> {
    isAdding = position == block.position
    position = block.position
    return isAdding ? more.channels : sound.channels
  }

  /// Takes what was put there; writes when it was the last. Thread: render.
  @_noLocks
  mutating func take(_ block: NodeBlock) {
    if isAdding { add(block.frames) }
    if block.isLast { write(block) }
  }

  @_noLocks
  private func add(_ frames: Int) {
    var channel = 0
    while channel < writer.channels {
      let (sum, part) = (sound.channels[channel], more.channels[channel])
      for frame in 0..<frames { sum[frame] = finite(sum[frame] + part[frame]) }
      channel += 1
    }
  }

  @_noLocks
  private mutating func write(_ block: NodeBlock) {
    _ = resampler?.feed(sound.samples, frames: block.frames, stride: 1, channelStride: sound.frames)
    let made = resampler?.produce(into: raw.samples, limit: raw.frames, stride: 1, channelStride: raw.frames)
    let frames = made ?? block.frames
    guard frames > 0 else { return }
    writer.write(
      from: made == nil ? sound.channels : raw.channels, frames: frames,
      period: Int(Double(block.driver.pointee.frames) * ratio), now: block.time(hertz: hertz))
  }

  /// Thread: render.
  var sight: RingSight { @_noLocks get { writer.sight } }
}
