/// How much sound lies between a writer and a reader of different clocks, at any moment and not only when a block has just
/// been moved.
///
/// A block that was read is heard over its whole length: what of it has not been heard yet counts as still there.
/// Without that a reading is off by up to a quantum, depending on when it is taken.
@frozen
public struct BridgeFill: Hashable, Sendable {
  /// When the last block was read, its length, and the position after it.
  public var readTime: HostTime
  public var quantum: Int
  public var readPosition: Int

  @_noLocks public init(readTime: HostTime, quantum: Int, readPosition: Int) {
    self.readTime = readTime
    self.quantum = quantum
    self.readPosition = readPosition
  }

  /// Frames written and not yet heard at `now`.
  @_noLocks public func frames(written: Int, at now: HostTime, rate: SampleRate) -> Double {
    let heard = Double((now - readTime).nanoseconds) * 1e-9 * Double(rate.hertz)
    return Double(written - readPosition + quantum) - heard
  }

  /// The same from the reader's side, at the moment of a read: of the block that the writer brings next, what has been
  /// captured already counts as there. `used` is the position up to which sound is used up.
  @_noLocks static func frames(
    written: Int, at writeTime: HostTime, used: Double, now: HostTime, rate: SampleRate
  ) -> Double {
    Double(written) - used + Double((now - writeTime).nanoseconds) * 1e-9 * Double(rate.hertz)
  }
}
