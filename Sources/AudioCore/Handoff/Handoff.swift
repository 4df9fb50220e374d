public import Synchronization

/// Hands a value built by the control side to the render thread in one lock-free step and takes the old one back.
///
/// The newest pending value wins: one that was never adopted is returned to control by the next `publish`. Render adopts
/// only while the retired place is empty, so it never frees and never waits.
public final class Handoff<Value: ~Copyable>: @unchecked Sendable {
  private let cell: UnsafeMutablePointer<HandoffCell>

  public init() {
    cell = .allocate(capacity: 1)
    cell.initialize(to: HandoffCell())
  }

  /// Thread: control, after the render side has stopped.
  deinit {
    Self.destroy(cell.pointee.pending.exchange(nil, ordering: .acquiring))
    Self.destroy(cell.pointee.retired.exchange(nil, ordering: .acquiring))
    Self.destroy(cell.pointee.current)
    cell.deinitialize(count: 1)
    cell.deallocate()
  }

  private static func destroy(_ raw: UnsafeMutableRawPointer?) {
    guard let pointer = raw?.assumingMemoryBound(to: Value.self) else { return }
    pointer.deinitialize(count: 1)
    pointer.deallocate()
  }

  /// Makes `value` the next one. Thread: control.
  public func publish(_ value: consuming Value) {
    reclaim()
    let pointer = UnsafeMutablePointer<Value>.allocate(capacity: 1)
    pointer.initialize(to: value)
    Self.destroy(cell.pointee.pending.exchange(UnsafeMutableRawPointer(pointer), ordering: .acquiringAndReleasing))
  }

  /// Takes back and frees the newest published value, if render has not adopted it; true when so. Else everything that was
  /// published has been adopted. Thread: control.
  public func withdraw() -> Bool {
    let pending = cell.pointee.pending.exchange(nil, ordering: .acquiringAndReleasing)
    Self.destroy(pending)
    return pending != nil
  }

  /// Frees what render has retired; true when it had. Thread: control.
  @discardableResult public func reclaim() -> Bool {
    let old = cell.pointee.retired.exchange(nil, ordering: .acquiringAndReleasing)
    Self.destroy(old)
    return old != nil
  }

  /// True while the newest published value waits for the render thread. Thread: control.
  public var isPending: Bool { cell.pointee.pending.load(ordering: .acquiring) != nil }

  /// The render thread's view. It must not outlive this object.
  public var renderFace: RenderFace<Value> { RenderFace(cell: cell) }
}

/// The render thread's end of a handoff.
@frozen
public struct RenderFace<Value: ~Copyable>: @unchecked Sendable {
  @usableFromInline let cell: UnsafeMutablePointer<HandoffCell>

  @usableFromInline init(cell: UnsafeMutablePointer<HandoffCell>) { self.cell = cell }

  /// The value to use in this cycle. Thread: render.
  @inlinable public func adopt() -> UnsafeMutablePointer<Value>? {
    cell.adopt()?.assumingMemoryBound(to: Value.self)
  }
}

@frozen @usableFromInline
struct HandoffCell: ~Copyable {
  @usableFromInline let pending = Atomic<UnsafeMutableRawPointer?>(nil)
  @usableFromInline let retired = Atomic<UnsafeMutableRawPointer?>(nil)
  /// Owned by the render thread.
  @usableFromInline var current: UnsafeMutableRawPointer?

  @usableFromInline init() {}
}

// On the pointer: a mutating method would claim the whole cell, which two threads share.
extension UnsafeMutablePointer<HandoffCell> {
  @_noLocks @inlinable func adopt() -> UnsafeMutableRawPointer? {
    let current = pointee.current
    guard pointee.pending.load(ordering: .relaxed) != nil, pointee.retired.load(ordering: .acquiring) == nil else {
      return current
    }
    guard let next = pointee.pending.exchange(nil, ordering: .acquiringAndReleasing) else { return current }
    if current != nil { pointee.retired.store(current, ordering: .releasing) }
    pointee.current = next
    return next
  }
}
