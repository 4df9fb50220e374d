public import AudioCore
public import OpusCodec

/// Turns what the jitter buffer hands out into sound: decodes, conceals what is missing, and goes quiet when too much is.
///
/// It never fails: a packet that cannot be decoded is concealed and counted.
/// Thread: any one at a time.
public struct FrameDecoder: ~Copyable, Sendable {
  public struct Statistics: Hashable, Sendable {
    public var decodedPackets: UInt64 = 0
    public var corruptPackets: UInt64 = 0
    public var concealedFrames: UInt64 = 0
    /// Frames of plain silence instead of concealment.
    public var mutedFrames: UInt64 = 0
  }

  public private(set) var statistics = Statistics()
  private var decoder: OpusDecoder
  private let channels: Int
  /// Concealed frames in a row.
  private var concealed = 0
  /// Whether the last sound was silence, so that the next one must fade in.
  private var muted = false

  /// Concealment is believable for about this long.
  public static let concealLimit: FrameCount = 2880
  private static let ramp = 120

  public init(_ configuration: OpusConfiguration) throws(OpusError) {
    decoder = try OpusDecoder(configuration)
    channels = configuration.layout.count
  }

  public var layout: ChannelLayout { decoder.configuration.layout }

  /// Room that every call needs, in samples.
  public var samplesNeeded: Int { OpusDecoder.packetLimit.value * channels }

  /// Makes the sound of one playout into `pcm`, interleaved in layout order. Returns its frames: none for early or idle.
  public mutating func play(
    _ playout: Playout, payload: [UInt8], into pcm: UnsafeMutableBufferPointer<Float>
  ) -> FrameCount {
    precondition(pcm.count >= samplesNeeded)
    guard let base = pcm.baseAddress else { return 0 }
    switch playout {
    case .early, .idle: return 0
    case .packet: return decode(payload, base)
    case .conceal(let frames, let next): return conceal(frames, next ? payload : nil, base)
    case .silence(let frames): return pause(frames, base)
    }
  }

  private mutating func decode(_ payload: [UInt8], _ pcm: UnsafeMutablePointer<Float>) -> FrameCount {
    do throws(OpusError) {
      let frames = try payload.withUnsafeBuffer { (packet) throws(OpusError) in
        try decoder.decode(packet, into: pcm, capacity: OpusDecoder.packetLimit)
      }
      statistics.decodedPackets += 1
      if muted { fade(pcm, frames, from: 0, to: 1) }
      (concealed, muted) = (0, false)
      return frames
    } catch {
      statistics.corruptPackets += 1
      return conceal(decoder.configuration.frame.frames, nil, pcm)
    }
  }

  private mutating func conceal(
    _ frames: FrameCount, _ next: [UInt8]?, _ pcm: UnsafeMutablePointer<Float>
  ) -> FrameCount {
    // Concealment comes in steps of 2.5 ms; an odd length is what a broken sender asks for.
    let frames = FrameCount(min(frames.value, OpusDecoder.packetLimit.value))
    guard !muted, frames.value % FrameDuration.ms2_5.rawValue == 0, frames.value > 0, makeUp(frames, next, pcm) else {
      return mute(frames, pcm)
    }
    concealed += frames.value
    statistics.concealedFrames += UInt64(frames.value)
    if concealed >= Self.concealLimit.value {
      fade(pcm, frames, from: 1, to: 0)
      muted = true
    }
    return frames
  }

  private mutating func makeUp(_ frames: FrameCount, _ next: [UInt8]?, _ pcm: UnsafeMutablePointer<Float>) -> Bool {
    do throws(OpusError) {
      if let next {
        return try next.withUnsafeBuffer { (packet) throws(OpusError) in
          try decoder.recover(from: packet, frames: frames, into: pcm) == frames
        }
      }
      return try decoder.conceal(frames, into: pcm) == frames
    } catch {
      return false
    }
  }

  /// The sender paused: what still sounds fades out within the first block.
  private mutating func pause(_ frames: FrameCount, _ pcm: UnsafeMutablePointer<Float>) -> FrameCount {
    let whole = frames.value % FrameDuration.ms2_5.rawValue == 0 && frames.value <= OpusDecoder.packetLimit.value
    guard !muted, whole, frames.value > 0, makeUp(frames, nil, pcm) else { return mute(frames, pcm) }
    fade(pcm, frames, from: 1, to: 0)
    muted = true
    return frames
  }

  private mutating func mute(_ frames: FrameCount, _ pcm: UnsafeMutablePointer<Float>) -> FrameCount {
    let frames = FrameCount(min(frames.value, OpusDecoder.packetLimit.value))
    pcm.update(repeating: 0, count: frames.value * channels)
    statistics.mutedFrames += UInt64(frames.value)
    muted = true
    return frames
  }

  /// A ramp of 2.5 ms at the start, the rest at the end level.
  private func fade(_ pcm: UnsafeMutablePointer<Float>, _ frames: FrameCount, from: Float, to: Float) {
    for frame in 0..<frames.value {
      let part = min(Float(frame + 1) / Float(Self.ramp), 1)
      let gain = from + (to - from) * part
      for channel in 0..<channels { pcm[frame * channels + channel] *= gain }
    }
  }
}

extension [UInt8] {
  /// `withUnsafeBufferPointer` with a typed error.
  fileprivate func withUnsafeBuffer<R>(
    _ body: (UnsafeBufferPointer<UInt8>) throws(OpusError) -> R
  ) throws(OpusError) -> R {
    let result: Result<R, OpusError> = withUnsafeBufferPointer { bytes in
      do throws(OpusError) { return .success(try body(bytes)) } catch { return .failure(error) }
    }
    return try result.get()
  }
}
