/// Between one channel and two: one is heard on both sides, two are heard at half each, so that nothing clips.
enum ChannelFold {
  /// Fills as many frames of `to` as `samples` has. Both counts of channels are 1 or 2.
  static func fold(
    _ samples: UnsafeBufferPointer<Float>, from: Int, into to: UnsafeMutableBufferPointer<Float>, channels: Int
  ) {
    let frames = samples.count / from
    precondition(to.count >= frames * channels)
    switch (from, channels) {
    case (1, 2):
      for frame in 0..<frames {
        to[2 * frame] = samples[frame]
        to[2 * frame + 1] = samples[frame]
      }
    case (2, 1):
      for frame in 0..<frames { to[frame] = 0.5 * (samples[2 * frame] + samples[2 * frame + 1]) }
    default:
      for index in 0..<(frames * channels) { to[index] = samples[index] }
    }
  }
}
