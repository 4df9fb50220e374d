/// One cycle's audio: a view of planar floats, one pointer per channel. It owns nothing and is valid only during the
/// call it is handed to.
@frozen
public struct Block {
  public let channels: UnsafePointer<UnsafeMutablePointer<Float>>
  public let channelCount: Int
  public let frames: Int

  @_noLocks @inlinable public init(channels: UnsafePointer<UnsafeMutablePointer<Float>>, channelCount: Int, frames: Int)
  {
    self.channels = channels
    self.channelCount = channelCount
    self.frames = frames
  }

  /// Thread: render.
  @_noLocks @inlinable public func channel(_ index: Int) -> UnsafeMutablePointer<Float> {
    precondition(index >= 0 && index < channelCount)
    return channels[index]
  }

  /// Thread: render.
  @_noLocks @inlinable public func silence() {
    var index = 0
    while index < channelCount {
      renderZero(channels[index], floats: frames)
      index += 1
    }
  }
}
