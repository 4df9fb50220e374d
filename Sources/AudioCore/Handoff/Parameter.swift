public import Synchronization

/// One scalar from control to render: last value wins, wait-free.
public struct ParameterCell: ~Copyable {
  @usableFromInline let bits: Atomic<UInt32>

  public init(_ value: Float) { bits = Atomic(value.bitPattern) }

  /// Thread: any.
  @inlinable public var value: Float { @_noLocks get { Float(bitPattern: bits.load(ordering: .relaxed)) } }

  /// Thread: any.
  @_noLocks @inlinable public func set(_ value: Float) { bits.store(value.bitPattern, ordering: .relaxed) }
}

/// The way of a fade: from 0 to 1 as its argument goes there, level at both ends. A straight line has a corner at either,
/// which is heard above a low tone. Both ways add up to one. Thread: any.
@_noLocks @inlinable @inline(__always)
public func smoothStep(_ share: Float) -> Float { share * share * (3 - 2 * share) }

/// Moves smoothly to a target, so that a parameter change is no click. Settled means exactly at the target.
@frozen
public struct Smoother {
  @usableFromInline var current: Float
  @usableFromInline var target: Float
  /// Where the way began.
  @usableFromInline var origin: Float
  @usableFromInline var remaining = 0
  @usableFromInline let length: Int

  /// `length` is the ramp in frames.
  @_noLocks @inlinable public init(_ value: Float, length: FrameCount) {
    current = value
    target = value
    origin = value
    self.length = length.value > 1 ? length.value : 1
  }

  @inlinable public var isSettled: Bool { @_noLocks get { remaining == 0 } }
  @inlinable public var value: Float { @_noLocks get { current } }

  /// Thread: render.
  @_noLocks @inlinable public mutating func aim(_ value: Float) {
    guard value != target else { return }
    target = value
    origin = current
    remaining = length
  }

  /// Thread: render.
  @_noLocks @inlinable public mutating func snap(_ value: Float) {
    current = value
    target = value
    remaining = 0
  }

  /// Moves on by so many frames whose values nobody asks for. Thread: render.
  @_noLocks @inlinable public mutating func advance(_ frames: Int) {
    guard remaining > 0, frames > 0 else { return }
    remaining = frames < remaining ? remaining &- frames : 0
    arrive()
  }

  /// The value of the next frame. Thread: render.
  @_noLocks @inlinable public mutating func next() -> Float {
    guard remaining > 0 else { return current }
    remaining &-= 1
    arrive()
    return current
  }

  @_noLocks @inlinable @inline(__always) mutating func arrive() {
    current = remaining == 0 ? target : target + (origin - target) * smoothStep(Float(remaining) / Float(length))
  }
}
