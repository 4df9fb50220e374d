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

/// A linear ramp towards a target, so that a parameter change is no click. Settled means exactly at the target.
@frozen
public struct Smoother {
  @usableFromInline var current: Float
  @usableFromInline var target: Float
  @usableFromInline var step: Float = 0
  @usableFromInline var remaining = 0
  @usableFromInline let length: Int

  /// `length` is the ramp in frames.
  @_noLocks @inlinable public init(_ value: Float, length: FrameCount) {
    current = value
    target = value
    self.length = length.value > 1 ? length.value : 1
  }

  @inlinable public var isSettled: Bool { @_noLocks get { remaining == 0 } }
  @inlinable public var value: Float { @_noLocks get { current } }

  /// Thread: render.
  @_noLocks @inlinable public mutating func aim(_ value: Float) {
    guard value != target else { return }
    target = value
    remaining = length
    step = (value - current) / Float(length)
  }

  /// Thread: render.
  @_noLocks @inlinable public mutating func snap(_ value: Float) {
    current = value
    target = value
    remaining = 0
  }

  /// Moves on by so many frames whose values nobody asks for. Thread: render.
  @_noLocks @inlinable public mutating func advance(_ frames: Int) {
    var left = frames < remaining ? frames : remaining
    while left > 0 {
      _ = next()
      left &-= 1
    }
  }

  /// The value of the next frame. Thread: render.
  @_noLocks @inlinable public mutating func next() -> Float {
    guard remaining > 0 else { return current }
    remaining &-= 1
    current = remaining == 0 ? target : current + step
    return current
  }
}
