import AppRings
import AudioCore

/// The end from which an engine reads a ring. Thread: control.
final class RingSource: NodeClaim, @unchecked Sendable {
  let state: UnsafeMutablePointer<RingSourceState>
  let channels: Int
  /// What a change of the rate must have heard of what follows.
  let latency: FrameCount
  private let name: String

  init(_ name: String, _ reader: consuming RingReader, _ context: NodeContext) {
    self.name = name
    channels = reader.channels
    let made = RingSourceState(reader, rate: context.rate, block: context.block.value)
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

/// Sound out of a ring in the graph's rate, a block at a time.
struct RingSourceState: ~Copyable {
  /// From the ring, and after the change of its rate, if there is one.
  private let raw: SoundPlanes
  private let sound: SoundPlanes
  private let hertz: Int
  /// The ring's frames for one of the graph's.
  private let ratio: Double
  private let reader: RingReader
  private var resampler: SincResampler?
  let latency: FrameCount
  /// Of the block that lies in the planes.
  private var position: Int64 = -1

  init(_ reader: consuming RingReader, rate: SampleRate, block: Int) {
    let (channels, own) = (reader.channels, reader.rate)
    hertz = rate.hertz
    ratio = Double(own.hertz) / Double(rate.hertz)
    if own == rate {
      raw = SoundPlanes(channels: channels, frames: block)
      sound = SoundPlanes(channels: channels, frames: 0)
      latency = 0
    } else {
      // One frame more at times, and what rounding makes of it.
      raw = SoundPlanes(channels: channels, frames: Int(Double(block) * ratio) + 8)
      sound = SoundPlanes(channels: channels, frames: block)
      var made = SincResampler(
        quality: .main, from: own, to: rate, channels: channels, chunk: FrameCount(raw.frames))
      // Silence before the first frame, so that the first block takes no more out of the ring than the others.
      var left = made.latency.value + 1
      latency = FrameCount(Int((Double(left) / ratio).rounded()))
      while left > 0 {
        left -= made.feed(raw.samples, frames: min(left, raw.frames), stride: 1, channelStride: raw.frames)
      }
      resampler = consume made
    }
    self.reader = reader
  }

  /// The block's sound in the ring's channels, read by whoever asks first. Thread: render.
  @_noLocks
  mutating func planes(_ block: NodeBlock) -> UnsafeMutablePointer<UnsafeMutablePointer<Float>> {
    if position != block.position {
      position = block.position
      read(block)
    }
    return resampler == nil ? raw.channels : sound.channels
  }

  @_noLocks
  private mutating func read(_ block: NodeBlock) {
    let needed = resampler?.needed(for: block.frames) ?? block.frames
    let frames = needed < raw.frames ? needed : raw.frames
    if frames > 0 {
      reader.read(
        into: raw.channels, frames: frames, period: Int(Double(block.driver.pointee.frames) * ratio),
        now: block.time(hertz: hertz))
    }
    _ = resampler?.feed(raw.samples, frames: frames, stride: 1, channelStride: raw.frames)
    let made = resampler?.produce(into: sound.samples, limit: block.frames, stride: 1, channelStride: sound.frames)
    guard let made, made < block.frames else { return }
    var channel = 0
    while channel < reader.channels {
      renderZero(sound.channels[channel] + made, floats: block.frames &- made)
      channel += 1
    }
  }

  /// Thread: render.
  var sight: RingSight { @_noLocks get { reader.sight } }
}
