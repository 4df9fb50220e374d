/// A microphone that this computer's applications can record and that we feed.
///
/// A dead one must be seen to be dead: `push` returns false and `isAlive` turns false, so that its owner drops it and
/// opens another. One that is merely behind drops the chunk and lives.
/// Thread: one owner, never the render thread.
public protocol VirtualMicrophone: AnyObject, Sendable {
  var channels: Int { get }
  /// Whether the device still exists. To be asked without pushing, so that a death is noticed while nobody talks.
  var isAlive: Bool { get }
  /// Takes interleaved samples at 48 kHz without blocking. False only when the device is dead.
  func push(_ samples: UnsafeBufferPointer<Float>) -> Bool
  /// Throws away what has not been heard yet, so that nothing from before a pause is heard after it.
  func discard()
}
