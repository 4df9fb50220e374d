import AudioCore

/// A talker's sound on its way out: what was last heard, and behind it the piece at hand, which may be made shorter or
/// longer by whole periods of its pitch before it is heard too.
/// Interleaved. Thread: one owner.
final class VoiceBuffer {
  let channels: Int
  /// Frames of the piece at hand.
  private(set) var frames = 0
  private let samples: UnsafeMutablePointer<Float>
  private let spare: UnsafeMutablePointer<Float>

  /// Frames of the past that are kept.
  static let past = 960
  /// Room for a piece: the longest packet, made longer, or short ones put together.
  static let room = 5760 + 1920
  private static let overlap = 240
  private static let shortest = 120
  private static let longest = 480
  /// Below this the splice would be heard.
  private static let likeness: Float = 0.7

  init(channels: Int) {
    self.channels = channels
    let count = (Self.past + Self.room) * channels
    samples = .allocate(capacity: count)
    samples.initialize(repeating: 0, count: count)
    spare = .allocate(capacity: count)
    spare.initialize(repeating: 0, count: count)
  }

  deinit {
    samples.deallocate()
    spare.deallocate()
  }

  var piece: UnsafeMutablePointer<Float> { samples + Self.past * channels }
  var sound: UnsafeBufferPointer<Float> { UnsafeBufferPointer(start: piece, count: frames * channels) }
  /// Where more of the piece goes.
  var end: UnsafeMutablePointer<Float> { piece + frames * channels }

  func append(_ count: Int) {
    precondition(count >= 0 && frames + count <= Self.room)
    frames += count
  }

  /// The piece has been heard.
  func pass() {
    let kept = Self.past * channels
    let from = samples + frames * channels
    for index in 0..<kept { samples[index] = from[index] }
    frames = 0
  }

  /// Nothing has been heard yet.
  func clear() {
    samples.update(repeating: 0, count: Self.past * channels)
    frames = 0
  }

  func fade(from: Float, to: Float, over length: Int) {
    let length = min(length, frames)
    for frame in 0..<frames {
      let gain = frame < length ? from + (to - from) * Float(frame + 1) / Float(length) : to
      for channel in 0..<channels { piece[frame * channels + channel] *= gain }
    }
  }

  /// Power per sample.
  var power: Float {
    var sum: Float = 0
    for index in 0..<(frames * channels) { sum += piece[index] * piece[index] }
    return frames > 0 ? sum / Float(frames * channels) : 0
  }

  func clamp() {
    for index in 0..<(frames * channels) { piece[index] = min(max(piece[index], -1), 1) }
  }

  /// Takes out a period of at most `limit` frames, or when nobody speaks just as much. Returns the frames taken out.
  func shorten(by limit: Int, isQuiet: Bool) -> Int {
    guard limit >= Self.shortest, frames >= 2 * Self.shortest else { return 0 }
    let overlap = min(Self.overlap, frames - Self.shortest)
    let most = frames - overlap
    var gone = min(limit, most)
    if !isQuiet {
      guard gone >= Self.shortest else { return 0 }
      let lags = Self.shortest...min(gone, Self.longest)
      let match = PitchMatch.find(piece, channels: channels, window: overlap, lags: lags, forward: true)
      guard match.likeness >= Self.likeness else { return 0 }
      gone = match.lag
    }
    blend(into: piece, piece, piece + gone * channels, overlap)
    let rest = frames - gone
    for index in (overlap * channels)..<max(rest * channels, overlap * channels) {
      piece[index] = piece[index + gone * channels]
    }
    frames = rest
    return gone
  }

  /// Repeats the period before the piece, or when nobody speaks as much as `wanted`. Returns the frames put in.
  func lengthen(by wanted: Int, isQuiet: Bool) -> Int {
    let overlap = min(Self.overlap, frames)
    guard overlap >= Self.shortest else { return 0 }
    var more = min(max(wanted, Self.shortest), Self.longest)
    if !isQuiet {
      let lags = Self.shortest...Self.longest
      let match = PitchMatch.find(piece, channels: channels, window: overlap, lags: lags, forward: false)
      guard match.likeness >= Self.likeness else { return 0 }
      more = match.lag
    }
    guard frames + more <= Self.room else { return 0 }
    // From the piece into the sound one period before it, which then runs into the piece once more.
    let earlier = piece - more * channels
    blend(into: spare, piece, earlier, overlap)
    for index in (overlap * channels)..<max((frames + more) * channels, overlap * channels) {
      spare[index] = earlier[index]
    }
    frames += more
    for index in 0..<(frames * channels) { piece[index] = spare[index] }
    return more
  }

  /// Goes from one sound over into another.
  private func blend(
    into: UnsafeMutablePointer<Float>, _ from: UnsafePointer<Float>, _ to: UnsafePointer<Float>, _ length: Int
  ) {
    for frame in 0..<length {
      let part = (Float(frame) + 0.5) / Float(length)
      for index in (frame * channels)..<((frame + 1) * channels) {
        into[index] = from[index] + (to[index] - from[index]) * part
      }
    }
  }

  /// Goes on as the past did: repeats its last period. For sound that no codec makes up.
  func continuePast(_ count: Int) {
    let window = Self.overlap
    let tail = end - window * channels
    let match = PitchMatch.find(
      tail, channels: channels, window: window, lags: Self.shortest...Self.longest, forward: false)
    let period = end - match.lag * channels
    for index in 0..<(count * channels) { end[index] = period[index % (match.lag * channels)] }
    append(count)
  }

  /// How the past would go on, without putting it into the piece.
  func continuation(_ count: Int) -> [Float] {
    let before = frames
    continuePast(count)
    let sound = Array(UnsafeBufferPointer(start: piece + before * channels, count: count * channels))
    frames = before
    return sound
  }

  /// Begins the piece with how the sound before would have gone on, and goes over into what it is.
  func fadeOver(_ extra: UnsafePointer<Float>, frames length: Int) {
    blend(into: piece, extra, piece, min(length, frames))
  }
}
