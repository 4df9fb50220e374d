import AudioCore

/// Makes sound what a device of another rate would have left of it: there and back.
enum ResampleNode: NodeKind {
  static let kind = "resample"
  static let summary = "Converts to another rate and back: what remains is what a device of that rate can play."
  static let settings: [SettingSpec] = [
    .layout(),
    SettingSpec(
      "rate", "frames a second in between", .integer(8000...192_000), unit: .hertz, initial: .integer(44_100)),
    SettingSpec(
      "quality", "band_limited: nothing beyond half the lower rate; fast: straight lines, which mirror what is beyond",
      .choice(["band_limited", "fast"]), initial: .text("band_limited")),
  ]

  static func shape(_ settings: Settings) -> NodeShape { .effect(settings.layout()) }

  static func makeProcessor(_ context: NodeContext) -> Processor {
    let rate = SampleRate(hertz: context.settings.integer("rate"))
    guard rate != context.rate else { return SameRateProcessor(context, SameRateState()) }
    let state = ResampleState(
      rate: context.rate, other: rate, quality: context.settings.text("quality") == "fast" ? .linear : .bandLimited,
      block: context.block.value, channels: context.settings.layout().count)
    return ResampleProcessor(context, latency: FrameCount(state.latency), state)
  }
}

/// Two resamplers, one after the other. The second gives as many frames as came in, `latency` frames later: so long until
/// both have heard what comes after a frame.
struct ResampleState: ~Copyable {
  private var there: SincResampler
  private var back: SincResampler
  let latency: Int
  /// Frames of silence that still come first.
  private var lead: Int
  private let block: Int
  /// One channel after the other, at either rate.
  private let outside: UnsafeMutablePointer<Float>
  private let inside: UnsafeMutablePointer<Float>
  private let room: Int

  init(rate: SampleRate, other: SampleRate, quality: ResamplerQuality, block: Int, channels: Int) {
    room = block * other.hertz / rate.hertz + 2
    self.block = block
    there = SincResampler(
      quality: quality, from: rate, to: other, channels: channels, chunk: FrameCount(block), isFixed: true)
    back = SincResampler(
      quality: quality, from: other, to: rate, channels: channels, chunk: FrameCount(room), isFixed: true)
    // The first frame of either needs as many after it as the filter is half long, and one for what is rounded.
    latency = there.latency.value + back.latency.value * rate.hertz / other.hertz + 1
    lead = latency
    outside = .allocate(capacity: block * channels)
    outside.initialize(repeating: 0, count: block * channels)
    inside = .allocate(capacity: room * channels)
    inside.initialize(repeating: 0, count: room * channels)
  }

  deinit {
    outside.deallocate()
    inside.deallocate()
  }

  /// Thread: render.
  @_noLocks
  mutating func render(_ block: NodeBlock) {
    let (from, to) = (block.input(0), block.output(0))
    var channel = 0
    while channel < to.count {
      Sanitised.copy(from[channel], into: outside + channel &* self.block, frames: block.frames)
      channel += 1
    }
    _ = there.feed(outside, frames: block.frames, stride: 1, channelStride: self.block)
    let made = there.produce(into: inside, limit: room, stride: 1, channelStride: room)
    _ = back.feed(inside, frames: made, stride: 1, channelStride: room)
    let silent = lead < block.frames ? lead : block.frames
    lead &-= silent
    let wanted = block.frames &- silent
    let heard = back.produce(into: outside, limit: wanted, stride: 1, channelStride: self.block)
    channel = 0
    while channel < to.count {
      renderZero(to[channel], floats: silent)
      renderCopy(to[channel] + silent, from: outside + channel &* self.block, floats: heard)
      renderZero(to[channel] + silent + heard, floats: wanted &- heard)
      channel += 1
    }
  }
}

/// The graph's own rate: nothing happens to a sample that is a number.
struct SameRateState: ~Copyable {
  /// Thread: render.
  @_noLocks
  func render(_ block: NodeBlock) {
    let planes = block.carry()
    var channel = 0
    while channel < planes.count {
      Sanitised.clean(planes[channel], frames: block.frames)
      channel += 1
    }
  }
}

private final class ResampleProcessor: StateProcessor<ResampleState>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: ResampleState.self).pointee.render(block)
  }
}

private final class SameRateProcessor: StateProcessor<SameRateState>, @unchecked Sendable {
  /// Thread: render.
  @_noLocks
  override func render(_ block: NodeBlock, _ memory: UnsafeMutableRawPointer) {
    memory.assumingMemoryBound(to: SameRateState.self).pointee.render(block)
  }
}

@section("streamd_nodes") @used
let resampleNodeRecord: NodeRecord = (1, { exportNode(ResampleNode.self) })
