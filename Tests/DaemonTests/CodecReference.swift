import AudioCore
import OpusCodec
import Synchronization
import TestSupport
import Wire

/// What the codec itself makes of a test tone, whatever carries it: at few bits a channel it changes levels by up to a
/// decibel, by how the tones lie to each other and to its frames. What a client hears is held against that.
struct CodecReference {
  /// Levels of each channel's own tone in dBFS, over several places of the frames in the tone.
  let levels: [ClosedRange<Double>]

  /// Plain or encrypted, a stream's reference is the same.
  private static let known = Mutex<[String: CodecReference]>([:])

  static func of(_ session: GameStreamSession, _ tone: TestTone) throws -> CodecReference {
    let name = "\(session.channels) \(session.quality) \(session.duration) \(tone.frequencies)"
    if let reference = known.withLock({ $0[name] }) { return reference }
    let reference = try CodecReference(session, tone)
    known.withLock { $0[name] = reference }
    return reference
  }

  private init(_ session: GameStreamSession, _ tone: TestTone) throws {
    let shape = GameStreamConfiguration(channels: session.channels, session.quality)!
    let frames = session.duration == .ms5 ? 240 : 480
    let codec = OpusConfiguration(
      layout: ChannelLayout(channels: session.channels)!, streams: shape.surround.streams,
      coupled: shape.surround.coupled, mapping: shape.surround.mapping, bitrate: shape.bitrate,
      frame: session.duration == .ms5 ? .ms5 : .ms10)
    let sound = tone.samples(frames: 96_000)
    var found = [ClosedRange<Double>?](repeating: nil, count: session.channels)
    for place in 0..<16 {
      let planes = try Self.coded(sound, from: place * frames / 16 + place % 4 * 12_007, frames, codec)
      for channel in 0..<session.channels {
        let level = Array(planes[channel].suffix(24_576)).usualLevel(of: tone.frequencies[channel])
        let old = found[channel] ?? level...level
        found[channel] = min(old.lowerBound, level)...max(old.upperBound, level)
      }
    }
    levels = found.map { $0! }
  }

  private static func coded(_ sound: [[Float]], from start: Int, _ frames: Int, _ codec: OpusConfiguration) throws
    -> [[Float]]
  {
    var encoder = try OpusEncoder(codec)
    var decoder = try OpusDecoder(codec)
    let channels = sound.count
    var planes = [[Float]](repeating: [], count: channels)
    var pcm = [Float](repeating: 0, count: frames * channels)
    var packet = [UInt8](repeating: 0, count: 4000)
    for first in stride(from: start, to: start + 28_800, by: frames) {
      for channel in 0..<channels {
        for frame in 0..<frames { pcm[frame * channels + channel] = sound[channel][first + frame] }
      }
      let length = try pcm.withUnsafeBufferPointer { pcm in
        try packet.withUnsafeMutableBufferPointer { try encoder.encode(pcm.baseAddress!, into: $0) }
      }
      _ = try packet.withUnsafeBufferPointer {
        try decoder.decode(UnsafeBufferPointer(rebasing: $0[..<length]), into: &pcm, capacity: FrameCount(frames))
      }
      for channel in 0..<channels {
        for frame in 0..<frames { planes[channel].append(pcm[frame * channels + channel]) }
      }
    }
    return planes
  }
}
