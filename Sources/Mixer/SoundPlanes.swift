/// Sound of one's own, a plane a channel.
public struct SoundPlanes: ~Copyable {
  public let frames: Int
  /// One channel after the other, `frames` apart.
  public let samples: UnsafeMutablePointer<Float>
  public let channels: UnsafeMutablePointer<UnsafeMutablePointer<Float>>

  public init(channels count: Int, frames: Int) {
    self.frames = frames
    samples = .allocate(capacity: count * frames)
    samples.initialize(repeating: 0, count: count * frames)
    channels = .allocate(capacity: count)
    for channel in 0..<count { (channels + channel).initialize(to: samples + channel * frames) }
  }

  deinit {
    samples.deallocate()
    channels.deallocate()
  }
}
