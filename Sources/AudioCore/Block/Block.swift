/// One cycle's audio: a view of floats, one pointer per channel. It owns nothing and is valid only during the call it is
/// handed to.
///
/// Output and what nodes pass on is planar. Captured blocks may lie interleaved as the server delivered them: then frame
/// `n` of a channel is at `channel(c)[n * stride]`, and who copies them anyway takes them apart on the way.
@frozen
public struct Block {
  public let channels: UnsafePointer<UnsafeMutablePointer<Float>>
  public let channelCount: Int
  public let frames: Int
  /// Floats from one frame of a channel to the next: 1 when planar.
  public let stride: Int

  @_noLocks @inlinable
  public init(
    channels: UnsafePointer<UnsafeMutablePointer<Float>>, channelCount: Int, frames: Int, stride: Int = 1
  ) {
    self.stride = stride
    self.channels = channels
    self.channelCount = channelCount
    self.frames = frames
  }

  /// Thread: render.
  @_noLocks @inlinable public func channel(_ index: Int) -> UnsafeMutablePointer<Float> {
    precondition(index >= 0 && index < channelCount)
    return channels[index]
  }

  /// Only of a planar block. Thread: render.
  @_noLocks @inlinable public func silence() {
    precondition(stride == 1)
    var index = 0
    while index < channelCount {
      renderZero(channels[index], floats: frames)
      index += 1
    }
  }
}
